internal import Basics
internal import Datasets
internal import Foundation
internal import Guard
internal import ModelRegistry
package import Tensors

/// `sluice evaluate`: datasets in, one report out.
package struct Evaluator: Sendable {
  /// The model's folder.
  package var model: String
  /// Datasets, each a set of the report named after its file.
  package var data: [String]
  /// The folder of a second model to compare with.
  package var baseline: String?
  /// Held-out datasets to fit the model's calibration on, which is stored with it.
  package var fitData: [String] = []
  /// The share of safe held-out rows that the fitted threshold may flag.
  package var falsePositiveRate = 0.05
  /// Cut long texts as Hugging Face does.
  package var truncates = false
  /// Also change flagged unsafe rows in ways that keep their meaning; nil does not.
  package var evasion: EvasionTrial?
  /// Also measure what judging costs; nil does not.
  package var cost: CostTrial?
  package var options = MeasurementOptions()

  package init(model: String, data: [String]) {
    self.model = model
    self.data = data
  }

  /// Reads everything, fits if asked to, scores and measures.
  ///
  /// All files are read before anything is scored, so that a mistake in the last one shows at once.
  package func run(
    pool: WorkerPool, progress: @escaping (EvaluationProgress) -> Void
  ) throws(EvaluationFailure) -> EvaluationReport {
    let sets = try data.map { path throws(EvaluationFailure) in try Dataset(path) }
    let heldOut = try fitData.map { path throws(EvaluationFailure) in try Dataset(path) }
    var work = Work(
      bytesTotal: heldOut.reduce(0) { $0 + $1.bytes }
        + sets.reduce(0) { $0 + $1.bytes } * (baseline == nil ? 1 : 2)
        + sets.reduce(0) { $0 + evasionBytes(of: $1) },
      report: progress)
    let fit = try fit(heldOut, pool, &work)
    let own = try score(sets, model, pool, &work)
    let reports = try measure(own.sets)
    let evasions = try evade(sets, own, &work)
    let costs = try cost.map { (trial) throws(EvaluationFailure) in
      try trial.run(sets.flatMap(\.examples), with: own.model)
    }
    var comparison: ModelComparison?
    if let baseline {
      let other = try score(sets, baseline, pool, &work)
      comparison = try ModelComparison(
        of: reports, with: other.model.model, try measure(other.sets))
    }
    let digests = Set(heldOut.flatMap(\.examples).map(\.digest))
    return EvaluationReport(
      model: own.model.model, calibration: own.model.calibration, fit: fit,
      rowsSharedWithFit: digests.isEmpty
        ? 0 : sets.flatMap(\.examples).count { digests.contains($0.digest) },
      options: options, isTruncated: truncates,
      judgesPromptsOnly: own.model.views == .prompt, sets: reports, comparison: comparison,
      evasion: evasions, cost: costs, evaluatedAt: Date.now.formatted(.iso8601))
  }

  private func fit(
    _ heldOut: [Dataset], _ pool: WorkerPool, _ work: inout Work
  ) throws(EvaluationFailure) -> CalibrationFit? {
    guard !heldOut.isEmpty else { return nil }
    var description = try describing { () throws(RegistryError) in
      try ModelDescription.readToChange(folder: model)
    }
    let scored = try score(heldOut, model, pool, &work).sets
    let rows = ScoredSet(
      name: heldOut.map(\.path).joined(separator: ", "), rows: scored.flatMap(\.rows))
    var contents = Data()
    for data in heldOut { contents += try data.contents() }
    let digest = ContentDigest(of: contents)
    let fit = try CalibrationFit(
      rows, falsePositiveRate: falsePositiveRate, digest: digest.description)
    description.calibration = fit.calibration
    try describing { () throws(RegistryError) in try description.write(folder: model) }
    return fit
  }

  private func describing<Value>(
    _ body: () throws(RegistryError) -> Value
  ) throws(EvaluationFailure) -> Value {
    do throws(RegistryError) { return try body() } catch { throw .description(error) }
  }

  private func score(
    _ sets: [Dataset], _ path: String, _ pool: WorkerPool, _ work: inout Work
  ) throws(EvaluationFailure) -> (model: GuardModel, sets: [ScoredSet]) {
    let model = try DatasetScorer.load(model: path, pool: pool)
    let scorer = DatasetScorer(model: model, truncates: truncates)
    var results: [ScoredSet] = []
    for set in sets {
      work.begin(set.name, bytes: set.bytes)
      results.append(try scorer.score(set.examples, name: set.name) { work.show($0) })
      work.end(bytes: set.bytes)
    }
    return (model, results)
  }

  private func evade(
    _ sets: [Dataset], _ own: (model: GuardModel, sets: [ScoredSet]), _ work: inout Work
  ) throws(EvaluationFailure) -> EvasionReport? {
    guard let evasion else { return nil }
    let scorer = DatasetScorer(model: own.model, truncates: truncates)
    var findings: [EvasionReport.Findings] = []
    for (set, scored) in zip(sets, own.sets) {
      let bytes = evasionBytes(of: set)
      work.begin("\(set.name), changed", bytes: bytes)
      findings.append(
        try evasion.run(set.examples, scored, threshold: options.threshold, with: scorer) {
          work.show(share: $0)
        })
      work.end(bytes: bytes)
    }
    return EvasionReport(sets: findings, seed: evasion.seed)
  }

  /// About how many bytes are judged of a set's changed rows.
  private func evasionBytes(of set: Dataset) -> Int {
    guard let evasion else { return 0 }
    let rows = min(evasion.rowsMax, set.examples.count { $0.isUnsafe })
    return set.bytes / set.examples.count * rows * Evasion.allCases.count
  }

  private func measure(_ sets: [ScoredSet]) throws(EvaluationFailure) -> [SetReport] {
    var reports: [SetReport] = []
    for (index, set) in sets.enumerated() {
      reports.append(try SetReport(set, options: options, index: index))
    }
    return reports
  }
}

/// How far an evaluation is.
package struct EvaluationProgress: Hashable, Sendable {
  /// The set that is being scored.
  package let set: String
  /// Of all texts of all sets and models, from 0 to 1.
  package let share: Double
  /// Token ids judged so far.
  package let tokens: Int
}

/// A dataset file as it was read.
private struct Dataset {
  let path: String
  let name: String
  let examples: [LabelledExample]
  /// UTF-8 bytes of its texts, the measure of work before anything is tokenized.
  let bytes: Int

  init(_ path: String) throws(EvaluationFailure) {
    self.path = path
    name = URL(filePath: path).deletingPathExtension().lastPathComponent
    do throws(DatasetError) {
      examples = try DatasetFile.read(path)
    } catch {
      throw .dataset(error)
    }
    guard !examples.isEmpty else { throw .unsuitable("\(path): has no rows") }
    bytes = examples.reduce(0) { $0 + $1.prompt.utf8.count + ($1.response?.utf8.count ?? 0) + 1 }
  }

  func contents() throws(EvaluationFailure) -> Data {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .dataset(DatasetError(path: path, line: nil, problem: "cannot be read"))
    }
    return data
  }
}

/// Turns the progress of one set into that of all.
private struct Work {
  let bytesTotal: Int
  let report: (EvaluationProgress) -> Void
  private var bytesDone = 0
  private var tokensDone = 0
  private var set = ""
  private var setBytes = 0
  private var setTokens = 0

  init(bytesTotal: Int, report: @escaping (EvaluationProgress) -> Void) {
    self.bytesTotal = bytesTotal
    self.report = report
  }

  mutating func begin(_ set: String, bytes: Int) {
    (self.set, setBytes, setTokens) = (set, bytes, 0)
  }

  mutating func show(_ progress: ScoringProgress) {
    setTokens = progress.tokens
    show(share: Double(progress.tokens) / Double(max(1, progress.tokensTotal)))
  }

  /// - Parameter share: of the set.
  func show(share: Double) {
    report(
      EvaluationProgress(
        set: set, share: (Double(bytesDone) + Double(setBytes) * share) / Double(bytesTotal),
        tokens: tokensDone + setTokens))
  }

  mutating func end(bytes: Int) {
    bytesDone += bytes
    tokensDone += setTokens
  }
}
