internal import Basics
package import Datasets
internal import Foundation
package import LabelStore
package import Settings

/// What a run learns from: labels and old examples, and nothing that the gold set has.
package struct RetrainDataset: Sendable {
  package let train: [LabelledExample]
  /// For the calibration: of labels and of old examples.
  package let validation: [LabelledExample]
  /// Labels that no run ever trains on.
  package let fresh: [LabelledExample]
  package let summary: Summary

  /// The dataset's version: `dataset.json`.
  package struct Summary: Codable, Hashable, Sendable {
    /// Labels that may be trained on, after near-duplicates collapsed and tenants were capped.
    package var labels = 0
    package var labelRepeats = 0
    package var replayRows = 0
    package var trainRows = 0
    package var validationRows = 0
    package var freshRows = 0
    /// Rows left out because the gold set or a part that is held out has them, or nearly.
    package var leaks = 0
    /// SHA-256 over the rows of each part.
    package var digests: [String: String] = [:]
    /// SHA-256 of each file of old examples.
    package var replayDigests: [String: String] = [:]
  }

  /// Share of the old examples that is kept for the calibration.
  private static let validationShare = 0.1

  /// Puts the rows together; the same again for the same rows and seed. The gold set tests in all
  /// runs, and neither what tests nor what calibrates is trained on, wherever it comes from.
  package init(
    labels: [Split: [LabelledExample]], old: ExampleFiles, gold: [LabelledExample],
    settings: RetrainDatasetSettings, seed: UInt64
  ) {
    var heldOut = LeakFilter(gold)
    var leaks: Set<ContentDigest> = []
    func clean(_ rows: [LabelledExample]) -> [LabelledExample] {
      rows.filter { row in
        guard heldOut.holds(row) else { return true }
        leaks.insert(row.digest)
        return false
      }
    }
    let drawn = Self.draw(settings.replayRowsMax, of: old.rows, seed: seed)
    fresh = clean(labels[.test] ?? [])
    heldOut.add(fresh)
    // By content, so that a row that calibrates never trains, in no run.
    validation = clean(
      drawn.filter { $0.digest.fraction < Self.validationShare } + (labels[.validation] ?? []))
    heldOut.add(validation)
    let replayed = clean(drawn.filter { $0.digest.fraction >= Self.validationShare })
    let new = clean(labels[.train] ?? [])
    let wanted =
      settings.labelShare < 1
      ? settings.labelShare / (1 - settings.labelShare) * Double(replayed.count) : .infinity
    let repeats =
      new.isEmpty || replayed.isEmpty
      ? 1 : Int(min(Double(settings.labelRepeatsMax), max(1, wanted / Double(new.count))))
    train = replayed + Array(repeating: new, count: repeats).flatMap { $0 }
    summary = Summary(
      labels: new.count, labelRepeats: repeats, replayRows: replayed.count,
      trainRows: train.count, validationRows: validation.count, freshRows: fresh.count,
      leaks: leaks.count,
      digests: [
        "train": Self.digest(train), "validation": Self.digest(validation),
        "fresh": Self.digest(fresh),
      ],
      replayDigests: Dictionary(
        old.digests.map { (URL(filePath: $0.file).lastPathComponent, $0.digest.description) },
        uniquingKeysWith: { first, _ in first }))
  }

  /// The labels of each split, near-duplicates once and tenants capped.
  package static func labels(
    of store: LabelStore, _ settings: RetrainDatasetSettings, nowMilliseconds: Int64, seed: UInt64
  ) throws(RetrainFailure) -> [Split: [LabelledExample]] {
    let caps = InfluenceCaps(
      examplesPerTenantMax: settings.labelsPerTenantMax,
      sharePerTenantMax: settings.sharePerTenantMax)
    var labels: [Split: [LabelledExample]] = [:]
    for split in Split.allCases {
      do throws(LabelStoreError) {
        labels[split] = try store.examples(
          ExampleQuery(split: split, caps: caps, nowMilliseconds: nowMilliseconds, seed: seed))
      } catch {
        throw RetrainFailure(error)
      }
    }
    return labels
  }

  private static func draw(
    _ count: Int, of rows: [LabelledExample], seed: UInt64
  ) -> [LabelledExample] {
    let places = rows.map { row in
      ContentDigest(of: seed.littleEndianBytes + row.digest.bytes).fraction
    }
    let drawn = rows.indices.sorted { (places[$0], $0) < (places[$1], $1) }
    return drawn.prefix(count).map { rows[$0] }
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
