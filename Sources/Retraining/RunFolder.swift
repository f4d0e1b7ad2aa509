package import Files
package import Foundation
package import ModelRegistry
internal import StrictJSON

/// One run's files, each of which appears whole: whatever is there need not be done again.
///
/// ```
/// runs/2026-11-24T02-13-05Z/
///   plan.json            when it began and from which champion: written first
///   train.jsonl validation.jsonl fresh.jsonl
///   dataset.json         what the rows are: written after them
///   candidate/           the trained model; beside it candidate.training/ while it trains
///   gate.json            what the gate found
///   outcome.json         how it ended: written last, when the texts and the weights go
/// ```
package struct RunFolder: Sendable {
  package let path: String
  private let files: DurableFiles

  package init(path: String, files: DurableFiles = DurableFiles()) {
    self.path = path
    self.files = files
  }

  package var train: String { path + "/train.jsonl" }
  package var validation: String { path + "/validation.jsonl" }
  package var fresh: String { path + "/fresh.jsonl" }
  package var dataset: String { path + "/dataset.json" }
  package var candidate: String { path + "/candidate" }
  package var gate: String { path + "/gate.json" }
  package var outcome: String { path + "/outcome.json" }
  private var planFile: String { path + "/plan.json" }

  /// What a run was begun with.
  package struct Plan: Codable, Hashable, Sendable {
    /// Seconds since 1970-01-01 UTC.
    package let startedAt: Int
    /// Labels made until then were there; milliseconds since 1970-01-01 UTC.
    package let labelsUntil: Int64
    package let champion: ModelVersion
    /// The settings' seed; nil where they have none.
    package let seed: Int?
    /// Over the gold files.
    package let goldDigest: String
    /// Whatever in the settings decides the result.
    package let settings: String

    package init(
      startedAt: Int, labelsUntil: Int64, champion: ModelVersion, seed: Int?, goldDigest: String,
      settings: String
    ) {
      self.startedAt = startedAt
      self.labelsUntil = labelsUntil
      self.champion = champion
      self.seed = seed
      self.goldDigest = goldDigest
      self.settings = settings
    }

    /// What rows are drawn and trained by.
    package var drawingSeed: UInt64 { UInt64(seed ?? startedAt) }
  }

  package var plan: Plan? { read(planFile) }

  /// The newest run that has not ended; nil when all have.
  package static func unfinished(
    in folder: String, files: DurableFiles = DurableFiles()
  ) -> RunFolder? {
    all(in: folder, files: files).last.flatMap { run in
      run.plan != nil && !run.exists(run.outcome) ? run : nil
    }
  }

  /// All runs, oldest first.
  package static func all(
    in folder: String, files: DurableFiles = DurableFiles()
  ) -> [RunFolder] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/runs")) ?? []
    return names.sorted().filter { !$0.hasPrefix(".") }
      .map { RunFolder(path: "\(folder)/runs/\($0)", files: files) }
  }

  /// Begins a run.
  package static func begin(
    in folder: String, _ plan: Plan, files: DurableFiles = DurableFiles()
  ) throws(RetrainFailure) -> RunFolder {
    let time = Date(timeIntervalSince1970: Double(plan.startedAt)).formatted(.iso8601)
    let run = RunFolder(
      path: "\(folder)/runs/\(time.replacing(":", with: "-"))", files: files)
    try makeFolder(run.path)
    try run.write(plan, to: run.planFile)
    return run
  }

  package static func makeFolder(_ path: String) throws(RetrainFailure) {
    // Texts stand in these files.
    try withFileErrors(as: RetrainFailure.init, try Folders.make(path, permissions: 0o700))
  }

  package func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: file) }

  /// Whether the run made that version: both are named by the time at which the run began.
  func made(_ version: ModelVersion) -> Bool {
    version.description.hasPrefix(URL(filePath: path).lastPathComponent)
  }

  package func write(_ value: some Encodable, to file: String) throws(RetrainFailure) {
    let data: Data
    do throws(JSONError) {
      data = try JSONCoder.encode(value, .pretty)
    } catch {
      throw .output("\(file): \(error)")
    }
    try write(data, to: file)
  }

  package func write(_ data: Data, to file: String) throws(RetrainFailure) {
    try withFileErrors(as: RetrainFailure.init, try files.replace(file, with: data))
  }

  /// What a file holds; nil when it is not there, or not to be read.
  package func read<Value: Decodable>(_ file: String) -> Value? {
    guard let data = FileManager.default.contents(atPath: file) else { return nil }
    return try? JSONCoder.decode(Value.self, from: data)
  }

  /// Removes what a run that has ended does not need: texts live in the label store alone, where
  /// they can be erased, and a model in the registry.
  package func removeBulk() {
    for file in [train, validation, fresh, candidate, candidate + ".training"] {
      try? FileManager.default.removeItem(atPath: file)
    }
  }

  /// Removes the oldest runs that have ended.
  package static func prune(in folder: String, keep: Int) {
    for run in all(in: folder).dropLast(keep) where run.exists(run.outcome) {
      try? FileManager.default.removeItem(atPath: run.path)
    }
  }
}
