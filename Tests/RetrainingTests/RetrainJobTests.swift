import Datasets
import Files
import Foundation
import Guard
import Hosting
import LabelStore
import ModelRegistry
import Retraining
import Settings
import Synchronization
import Tensors
import TestSupport
import Testing

/// Whole runs of a tiny model, on labels that are in the store.
@Suite(.serialized) struct RetrainJobTests {
  private let directory: TemporaryDirectory
  private let settings: Settings
  private let champion: ModelVersion
  private var registry: ModelRegistry { ModelRegistry(path: directory.path + "/models") }
  private var folder: String { directory.path + "/retrain" }

  init() throws {
    directory = try TemporaryDirectory()
    settings = try directory.settings(
      training: "{steps_max: 12, epochs: 1000, batch_size: 8, learning_rate: 1e-2, "
        + "warm_up_steps: 1, threads: 1}",
      gate: ", traffic_hours: 0, bootstrap_replicates: 100, latency_ratio_max: 100, "
        + "recall_drop_max: 1, auprc_drop_max: 1, flagged_safe_rise_max: 1, fresh_rows_min: 1000, "
        + "slice_error_rise_max: 1")
    _ = try directory.write(rows(30, from: 5_000), to: "gold")
    _ = try directory.write(rows(30), to: "old")
    let base = GoldenCase.url("v3-style").path
    let hash = try GuardModel(settings: ModelSettings(path: base), pool: WorkerPool(workers: 1))
      .hash
    let registry = ModelRegistry(path: directory.path + "/models")
    champion = try registry.register(
      ModelCandidate(folder: base, hash: hash), by: "test", reason: "test"
    ).version
    try registry.promote(champion, by: "test", reason: "first")
    let store = try Self.store(directory)
    try store.save(
      rows(60, from: 1_000).map { $0.label() }, timeToLiveMilliseconds: nil, isPublished: true)
  }

  private static func store(_ directory: TemporaryDirectory) throws -> LabelStore {
    let folder = directory.path + "/retrain"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    return try LabelStore(path: folder + "/labels.sqlite")
  }

  private func job(
    _ crash: CrashPoint = CrashPoint(after: .max), settings: Settings? = nil,
    report: @escaping @Sendable (RetrainJob.Event) -> Void = { _ in }
  ) throws -> RetrainJob {
    try RetrainJob(
      settings: settings ?? self.settings, environment: [:],
      afterStep: crash.afterStep, report: report)
  }

  private func decide(_ job: RetrainJob) throws -> RetrainOutcome {
    let gold = try GoldSet(files: [directory.path + "/gold.jsonl"])
    return try job.decide(
      on: try Self.store(directory), gold,
      try KafkaClients(settings: settings, environment: [:]))
  }

  /// Everything of an outcome but what the clock decides.
  private func essence(_ outcome: RetrainOutcome) -> String {
    let checks = outcome.checks.filter { $0.name != "latency" }
    return "\(outcome.kind) \(outcome.reasons) \(checks) \(outcome.labels) "
      + "\(outcome.champion?.hashPrefix ?? "") \(outcome.version?.hashPrefix ?? "")"
  }

  @Test func aBetterModelIsPromotedWithAllThatIsKnownOfIt() throws {
    let outcome = try decide(try job())
    #expect(outcome.kind == .promoted, "\(outcome.reasons)")
    let version = try #require(outcome.version)
    #expect(registry.current == version && registry.previous == champion)
    let description = try registry.manifest(of: version).description
    #expect(description.parent == champion)
    #expect(description.calibration?.fittedOn?.rows ?? 0 > 0)
    #expect(description.trainingData.map(\.name) == ["fresh", "train", "validation"])
    #expect(description.metrics.keys.sorted() == ["data", "gate"])
    #expect(description.recipe["batchSize"] == .integer(8))
    #expect(directory.text(of: "hook") == "promoted\n")
    #expect(try decide(try job()).kind == .skipped, "no label is new")
  }

  /// A new model must not be too easy to evade, where the settings say so.
  @Test func changedTextsCountInTheGateWhereAsked() throws {
    var asking = settings
    asking.retrain?.gate.evasionFlipMax = 0
    let outcome = try decide(try job(settings: asking))
    let check = try #require(outcome.checks.first { $0.name == "evasion_flips" })
    let value = try #require(check.value)
    #expect(check.bound == 0 && check.isPassed == (value == 0))
    #expect((outcome.kind == .promoted) == check.isPassed, "\(outcome.reasons)")
    #expect(check.detail.contains("flagged unsafe rows"))
  }

  /// Whatever is done stays, and the next run ends as an undisturbed one does.
  @Test func aCrashAfterAnyStepEndsWithTheSameOutcome() throws {
    let calm = try RetrainJobTests()
    let steps = CrashPoint(after: .max)
    let expected = calm.essence(try calm.decide(try calm.job(steps)))
    try #require(steps.steps > 60)
    // Every third step, in turns over the kinds of steps, is enough to meet all of them.
    for step in stride(from: 1, through: steps.steps, by: 3) {
      let world = try RetrainJobTests()
      let crashed = try? world.decide(try world.job(CrashPoint(after: step)))
      #expect(crashed == nil, "step \(step) of \(steps.steps)")
      let current = try #require(world.registry.current, "step \(step)")
      #expect(try world.registry.problems(of: current) == [], "step \(step)")
      let outcome = try world.decide(try world.job())
      // After the last file but one the run has ended: then nothing is new.
      let isOver = outcome.kind == .skipped && step > steps.steps - 6
      let essence = world.essence(outcome)
      #expect(isOver || essence == expected, "step \(step) of \(steps.steps)")
      #expect(try world.registry.versions().count == 2, "step \(step)")
      #expect(RunFolder.unfinished(in: world.folder) == nil, "step \(step)")
      #expect(try world.texts() == [], "step \(step)")
    }
  }

  /// Files of runs that hold texts or weights.
  private func texts() throws -> [String] {
    let files = FileManager.default.enumerator(atPath: folder + "/runs")
    return (files?.allObjects as? [String] ?? []).filter {
      $0.hasSuffix(".jsonl") || $0.hasSuffix(".safetensors")
    }
  }

  private func unfinishedRun() throws -> RunFolder {
    let trained = CrashPoint(after: 25)
    #expect(throws: RetrainFailure.self) { try decide(try job(trained)) }
    return try #require(RunFolder.unfinished(in: folder))
  }

  @Test func aRunOfOtherConditionsIsNotGoneOnWith() throws {
    let run = try unfinishedRun()
    var other = settings
    other.retrain?.training.learningRate = 2e-2
    other.retrain?.newLabelsMin = 1_000
    #expect(try decide(try job(settings: other)).kind == .skipped)
    let outcome: RetrainOutcome? = run.read(run.outcome)
    #expect(outcome?.kind == .failed)
    #expect(outcome?.reasons.first?.contains("changed meanwhile") == true)
    #expect(try texts() == [])
  }

  /// Another child of the champion, not yet promoted.
  private func sibling() throws -> ModelVersion {
    var candidate = ModelCandidate(
      folder: GoldenCase.url("absolute-positions").path, hash: "0123456789abcdef")
    candidate.createdAt = Date(timeIntervalSince1970: 1_795_486_385)
    candidate.description.parent = champion
    return try registry.register(candidate, by: "test", reason: "test").version
  }

  /// A champion that someone promoted meanwhile was never compared with the candidate, though both
  /// have the same parent.
  @Test func aChampionOfAnotherHandIsNotTakenForTheRunsOwn() throws {
    let run = try unfinishedRun()
    try run.write([Int](), to: run.gate)
    let other = try sibling()
    try registry.promote(other, by: "test", reason: "by hand")
    var settings = settings
    settings.retrain?.newLabelsMin = 1_000
    #expect(try decide(try job(settings: settings)).kind == .skipped)
    #expect(registry.current == other)
  }

  @Test func aChampionPromotedDuringTheRunStays() throws {
    let other = try sibling()
    let registry = registry
    let byHand = try job { event in
      guard case .check = event else { return }
      do {
        try registry.promote(other, by: "test", reason: "by hand")
      } catch {
        Issue.record(error)
      }
    }
    let error = #expect(throws: RetrainFailure.self) { try decide(byHand) }
    #expect(error?.description.contains("is not the champion any more") == true)
    #expect(registry.current == other)
    #expect(directory.text(of: "hook").isEmpty)
    // The next run compares with it.
    let run = try #require(RunFolder.unfinished(in: folder))
    var settings = settings
    settings.retrain?.newLabelsMin = 1_000
    #expect(try decide(try job(settings: settings)).kind == .skipped)
    let outcome: RetrainOutcome? = run.read(run.outcome)
    #expect(outcome?.kind == .failed && registry.current == other)
  }

  @Test func textsOfARunWhosePlanCannotBeReadAreRemoved() throws {
    let run = try unfinishedRun()
    #expect(try !texts().isEmpty)
    try run.write(Data("of another version".utf8), to: run.path + "/plan.json")
    var settings = settings
    settings.retrain?.newLabelsMin = 1_000
    #expect(try decide(try job(settings: settings)).kind == .skipped)
    #expect(try texts() == [])
  }

  /// It must never be registered as if it had none.
  @Test func aCandidateWhoseCalibrationCannotBeReadFailsTheRun() throws {
    let run = try unfinishedRun()
    try FileManager.default.createDirectory(
      atPath: run.candidate, withIntermediateDirectories: true)
    try Data(#"{"calibration": {"temperature": 0}}"#.utf8).write(
      to: URL(filePath: run.candidate + "/sluice.json"))
    let error = #expect(throws: RetrainFailure.self) { try decide(try job()) }
    let problem = "sluice.json: not valid at calibration.temperature"
    #expect(error?.description.contains(problem) == true)
    #expect(error?.exitStatus == .software && error?.isResumable == false)
    #expect(registry.current == champion)
  }

  @Test func tooFewRowsToCalibrateOnAreTold() throws {
    let calibrates = { (row: LabelledExample) in row.digest.fraction < 0.2 }
    _ = try directory.write(rows(30) { !calibrates($0) }, to: "old")
    let file = folder + "/labels.sqlite"
    for suffix in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: file + suffix)
    }
    try Self.store(directory).save(
      rows(60, from: 1_000) { !calibrates($0) }.map { $0.label() }, timeToLiveMilliseconds: nil,
      isPublished: true)
    let warnings = Mutex<[String]>([])
    let outcome = try decide(
      try job { event in
        if case .warning(let text) = event { warnings.withLock { $0.append(text) } }
      })
    #expect(warnings.withLock { $0.contains { $0.hasPrefix("too few rows to calibrate") } })
    let version = try #require(outcome.version)
    #expect(try registry.manifest(of: version).description.calibration == nil)
  }

  // MARK: The lock

  @Test func oneRunAtATimeAndTheSecondLeavesNoTrace() throws {
    let lock = try FileLock(folder + "/.lock")
    let error = #expect(throws: RetrainFailure.self) { try job().run() }
    #expect(error?.exitStatus == .temporary)
    withExtendedLifetime(lock) {}
    #expect(RunFolder.all(in: folder).isEmpty)
  }

  @Test func theLockOfAKilledProcessHoldsNobodyUp() async throws {
    let holder = try ChildProcess(
      "/bin/bash", ["-c", #"exec 9>"$0/.lock" && flock 9 && exec sleep 600"#, folder])
    #expect(await eventually { (try? FileLock(folder + "/.lock")) == nil })
    #expect(throws: RetrainFailure.busy("\(folder)/.lock: another process has locked it")) {
      try job().run()
    }
    holder.kill()
    // The next one gets past the lock, and fails for another reason.
    _ = try directory.write([], to: "gold")
    let error = #expect(throws: RetrainFailure.self) { try job().run() }
    #expect(error?.exitStatus == .configuration)
    let data = Data(directory.text(of: "retrain/last-outcome.json").utf8)
    let outcome = try JSONDecoder().decode(RetrainOutcome.self, from: data)
    #expect(outcome.kind == .failed && outcome.champion == champion)
  }
}
