internal import Basics
package import Datasets
internal import Foundation
package import LabelStore
package import Settings

/// What a run learns from: labels of the store, old examples, and neither of them in the gold set.
package struct RetrainDataset {
  package var train: [LabelledExample] = []
  /// For the calibration: of labels and of old examples.
  package var validation: [LabelledExample] = []
  /// Labels that no run ever trains on.
  package var fresh: [LabelledExample] = []
  package var summary = Summary()

  /// The dataset's version: `dataset.json`.
  package struct Summary: Codable, Hashable, Sendable {
    /// Labels that may be trained on, after near-duplicates collapsed and tenants were capped.
    package var labels = 0
    package var labelRepeats = 0
    package var replayRows = 0
    package var trainRows = 0
    package var validationRows = 0
    package var freshRows = 0
    /// Rows left out because the gold set has them, or nearly.
    package var leaks = 0
    /// SHA-256 over the rows of each part.
    package var digests: [String: String] = [:]
    /// SHA-256 of each file of old examples.
    package var replayDigests: [String: String] = [:]
  }

  /// Share of the old examples that is kept for the calibration.
  private static let validationShare = 0.1
  /// Similarity from which a row counts as one of the gold set's.
  private static let leakSimilarity = 0.8

  /// Draws the rows; the same again for the same store, files and seed.
  package init(
    store: LabelStore, settings: RetrainDatasetSettings, gold: [LabelledExample],
    nowMilliseconds: Int64, seed: UInt64
  ) throws(RetrainFailure) {
    let leaks = LeakFilter(gold: gold, similarity: Self.leakSimilarity)
    let caps = InfluenceCaps(
      examplesPerTenantMax: settings.labelsPerTenantMax,
      sharePerTenantMax: settings.sharePerTenantMax)
    var labels: [Split: [LabelledExample]] = [:]
    for split in Split.allCases {
      do throws(LabelStoreError) {
        labels[split] = try store.examples(
          ExampleQuery(
            split: split, caps: caps, nowMilliseconds: nowMilliseconds, seed: seed)
        ).filter { !leaks.contains($0) }
      } catch {
        throw .store(error.description)
      }
    }
    let old = try Self.replay(settings, seed: seed) { leaks.contains($0) }
    let new = labels[.train] ?? []
    let wanted =
      settings.labelShare < 1
      ? settings.labelShare / (1 - settings.labelShare) * Double(old.train.count) : .infinity
    let repeats =
      new.isEmpty || old.train.isEmpty
      ? 1 : Int(min(Double(settings.labelRepeatsMax), max(1, wanted / Double(new.count))))
    train = old.train + Array(repeating: new, count: repeats).flatMap { $0 }
    validation = old.validation + (labels[.validation] ?? [])
    fresh = labels[.test] ?? []
    summary = Summary(
      labels: new.count, labelRepeats: repeats, replayRows: old.train.count,
      trainRows: train.count, validationRows: validation.count, freshRows: fresh.count,
      leaks: leaks.found.count,
      digests: [
        "train": Self.digest(train), "validation": Self.digest(validation),
        "fresh": Self.digest(fresh),
      ],
      replayDigests: old.digests)
  }

  private static func replay(
    _ settings: RetrainDatasetSettings, seed: UInt64, isLeak: (LabelledExample) -> Bool
  ) throws(RetrainFailure) -> (
    train: [LabelledExample], validation: [LabelledExample], digests: [String: String]
  ) {
    var digests: [String: String] = [:]
    var rows: [LabelledExample] = []
    for file in settings.replay {
      do {
        digests[URL(filePath: file).lastPathComponent] = try ContentDigest(file: file).description
        rows += try DatasetFile.read(file)
      } catch {
        throw .configuration("\(error)")
      }
    }
    let drawn = rows.indices.map { index in
      (
        place: ContentDigest(of: seed.littleEndianBytes + rows[index].digest.bytes).fraction,
        index: index
      )
    }.sorted { $0 < $1 }
    let some = drawn.prefix(settings.replayRowsMax).map { rows[$0.index] }.filter { !isLeak($0) }
    // By content, so that a row that calibrates never trains, in no run.
    return (
      some.filter { $0.digest.fraction >= validationShare },
      some.filter { $0.digest.fraction < validationShare }, digests
    )
  }

  private static func digest(_ rows: [LabelledExample]) -> String {
    ContentDigest(
      of: rows.flatMap { row in
        row.digest.bytes + Array("\(row.isUnsafe) \(row.teacherScore ?? -1)".utf8)
      }
    ).description
  }

  /// Writes the rows, and after them what they are.
  func save(to run: RunFolder) throws(RetrainFailure) {
    for (rows, file) in [(train, run.train), (validation, run.validation), (fresh, run.fresh)] {
      try run.write(Data(rows.map(DatasetFile.line).joined()), to: file)
    }
    try run.write(summary, to: run.dataset)
  }
}

/// Knows rows of the gold set, also when they were changed a little.
private final class LeakFilter {
  private let digests: Set<ContentDigest>
  private var index: NearDuplicateIndex
  private(set) var found: Set<ContentDigest> = []

  init(gold: [LabelledExample], similarity: Double) {
    digests = Set(gold.map(\.digest))
    index = NearDuplicateIndex(threshold: similarity)
    for row in gold { index.insert(MinHash(prompt: row.prompt, response: row.response)) }
  }

  func contains(_ row: LabelledExample) -> Bool {
    let isLeak =
      digests.contains(row.digest)
      || index.nearest(to: MinHash(prompt: row.prompt, response: row.response)) != nil
    if isLeak { found.insert(row.digest) }
    return isLeak
  }
}
