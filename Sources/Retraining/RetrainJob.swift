internal import Basics
package import Files
internal import Foundation
package import Hosting
internal import Kafka
package import LabelStore
package import Learning
internal import ModelRegistry
package import Settings

/// `sluice retrain`: from the labels of the topic to a new champion, or to a reason why not.
///
/// Every step leaves its result whole or not at all, so a run that was killed goes on where it was.
package struct RetrainJob: Sendable {
  /// What a person may ask for besides the settings.
  package struct Options: Hashable, Sendable {
    /// Trains also when too few labels are new.
    package var isForced = false
    /// Registers a candidate that passed instead of promoting it.
    package var leavesChampion = false

    package init() {}
  }

  /// What a run tells while it works.
  package enum Event: Sendable {
    /// A step begins; in words.
    case step(String)
    case training(TrainingProgress)
    case check(GateCheck)
    /// Something went wrong that changes no result.
    case warning(String)
  }

  let settings: Settings
  let label: LabelSettings
  let retrain: RetrainSettings
  let environment: [String: String]
  let options: Options
  private let afterStep: DurableFiles.Step
  let report: @Sendable (Event) -> Void
  let shouldStop: @Sendable () -> Bool

  /// - Parameters:
  ///   - afterStep: called after each change of a file; for tests that stop there.
  ///   - shouldStop: asked between the steps of the training; true leaves a checkpoint.
  ///   - report: hears what is done.
  /// - Throws: `RetrainFailure.configuration` when the settings lack a section.
  package init(
    settings: Settings, environment: [String: String], options: Options = Options(),
    afterStep: @escaping DurableFiles.Step = { () throws(FileError) in },
    shouldStop: @escaping @Sendable () -> Bool = { false },
    report: @escaping @Sendable (Event) -> Void = { _ in }
  ) throws(RetrainFailure) {
    guard let retrain = settings.retrain else {
      throw .configuration("retrain: the section is missing")
    }
    guard let label = settings.label else {
      throw .configuration("label: the section is missing")
    }
    self.settings = settings
    self.label = label
    self.retrain = retrain
    self.environment = environment
    self.options = options
    self.afterStep = afterStep
    self.shouldStop = shouldStop
    self.report = report
  }

  /// Runs, or goes on with a run that was interrupted.
  ///
  /// - Returns: the outcome, which stands in `last-outcome.json` too.
  /// - Throws: `RetrainFailure`; unless another run is at work or it was stopped, that is an
  ///   outcome in the file as well.
  package func run() throws(RetrainFailure) -> RetrainOutcome {
    try RunFolder.makeFolder(retrain.folder)
    let lock = try withFileErrors(
      as: RetrainFailure.init, try FileLock(retrain.folder + "/.lock", permissions: 0o600))
    defer { withExtendedLifetime(lock) {} }
    let startedAt = Self.now
    do throws(RetrainFailure) {
      return try runLocked()
    } catch {
      if error == .stopped { throw error }
      let outcome = RetrainOutcome(
        .failed, startedAt: startedAt, endedAt: Self.now, champion: registry.current,
        reasons: [error.description])
      // The failure itself counts more than a second one while telling it.
      try? publish(outcome)
      if !error.isResumable, let run = unfinished {
        try? run.write(outcome, to: run.outcome)
        run.removeBulk()
      }
      throw error
    }
  }

  /// Whatever a retraining needs and only files can tell; each finding in words. Changes nothing.
  package static func check(
    _ settings: Settings, report: (String) -> Void
  ) throws(RetrainFailure) {
    guard let retrain = settings.retrain else { return }
    guard let champion = ModelRegistry(path: retrain.models).current else {
      throw Self.noChampion(retrain)
    }
    report("champion \(champion)")
    let gold = try GoldSet(files: retrain.gate.gold)
    try gold.check(folder: retrain.folder, notes: false)
    report("gold set: \(gold.rows.count) rows")
    for file in retrain.dataset.replay {
      report("\(file): \(try ExampleFiles([file]).rows.count) rows")
    }
  }

  private static func noChampion(_ retrain: RetrainSettings) -> RetrainFailure {
    .configuration("\(retrain.models): no champion; begin with sluice model register and promote")
  }

  var registry: ModelRegistry { ModelRegistry(path: retrain.models, afterStep: afterStep) }
  static var now: Int { Int(Date.now.timeIntervalSince1970) }
  private var files: DurableFiles { DurableFiles(afterStep: afterStep) }
  private var unfinished: RunFolder? { RunFolder.unfinished(in: retrain.folder, files: files) }

  private func runLocked() throws(RetrainFailure) -> RetrainOutcome {
    guard registry.current != nil else { throw Self.noChampion(retrain) }
    let gold = try GoldSet(files: retrain.gate.gold)
    try gold.check(folder: retrain.folder, notes: true)
    let clients = try kafkaClients()
    let store = try openStore()
    report(.step("reading new labels"))
    let changes = try LabelSync(clients: clients, store: store, label: label).run()
    if changes.unreadable > 0 {
      report(.warning("\(changes.unreadable) labels cannot be read and were left out"))
    }
    return try decide(on: store, gold, clients)
  }

  /// From the labels of the store to an outcome: with the run that was interrupted, or a new one.
  package func decide(
    on store: LabelStore, _ gold: GoldSet, _ clients: KafkaClients
  ) throws(RetrainFailure) -> RetrainOutcome {
    guard let champion = registry.current else { throw Self.noChampion(retrain) }
    // Texts are kept for the run alone that may need them.
    for run in RunFolder.all(in: retrain.folder) where run.path != unfinished?.path {
      run.removeBulk()
    }
    let plan = RunFolder.Plan(
      startedAt: Self.now, labelsUntil: WallClock.milliseconds(), champion: champion,
      seed: retrain.seed, goldDigest: gold.digest,
      settings: ContentDigest(of: "\(retrain.dataset)\(retrain.training)".utf8).description)
    if let run = try resumableRun(like: plan), let kept = run.plan {
      let time = Date(timeIntervalSince1970: Double(kept.startedAt)).formatted(.iso8601)
      report(.step("going on with the run of \(time)"))
      return try RetrainRun(job: self, folder: run, plan: kept, gold: gold, clients: clients)
        .finish(store: store)
    }
    let new = try newLabels(in: store)
    guard options.isForced || new >= retrain.newLabelsMin else {
      let outcome = RetrainOutcome(
        .skipped, startedAt: plan.startedAt, endedAt: Self.now, champion: champion,
        reasons: ["\(new) new labels where new_labels_min asks for \(retrain.newLabelsMin)"],
        labels: new)
      try publish(outcome)
      return outcome
    }
    let run = try RunFolder.begin(in: retrain.folder, plan, files: files)
    return try RetrainRun(job: self, folder: run, plan: plan, gold: gold, clients: clients)
      .finish(store: store)
  }

  /// The interrupted run, if it began under the same conditions. One that has made its candidate
  /// the champion has changed one of them itself, and only lacks its last file.
  private func resumableRun(like plan: RunFolder.Plan) throws(RetrainFailure) -> RunFolder? {
    guard let run = unfinished, let kept = run.plan else { return nil }
    let isSame =
      kept.goldDigest == plan.goldDigest && kept.seed == plan.seed && kept.settings == plan.settings
      && (kept.champion == plan.champion || run.made(plan.champion))
    if isSame { return run }
    let outcome = RetrainOutcome(
      .failed, startedAt: kept.startedAt, endedAt: Self.now, champion: plan.champion,
      reasons: ["the champion, the gold set or the settings changed meanwhile"])
    try run.write(outcome, to: run.outcome)
    run.removeBulk()
    return nil
  }

  /// Labels since the last run that came to a decision.
  private func newLabels(in store: LabelStore) throws(RetrainFailure) -> Int {
    let decided = RunFolder.all(in: retrain.folder).last { run in
      let outcome: RetrainOutcome? = run.read(run.outcome)
      return outcome.map { $0.kind != .failed } ?? false
    }
    let since = decided?.plan?.labelsUntil ?? 0
    do throws(LabelStoreError) {
      return try store.labellingTimes(since: since, limit: retrain.newLabelsMin).count
    } catch {
      throw RetrainFailure(error)
    }
  }

  private func kafkaClients() throws(RetrainFailure) -> KafkaClients {
    do throws(StartFailure) {
      return try KafkaClients(
        settings: settings, environment: environment, events: KafkaEvents())
    } catch {
      throw .configuration("\(error)")
    }
  }

  private func openStore() throws(RetrainFailure) -> LabelStore {
    do throws(LabelStoreError) {
      return try LabelStore(
        path: retrain.folder + "/labels.sqlite",
        shares: SplitShares(validation: label.validationShare, test: label.testShare))
    } catch {
      throw RetrainFailure(error)
    }
  }

  /// Tells the outcome to whoever watches files.
  func publish(_ outcome: RetrainOutcome) throws(RetrainFailure) {
    let folder = RunFolder(path: retrain.folder, files: files)
    try folder.write(outcome, to: retrain.folder + "/last-outcome.json")
    guard let file = retrain.metricsFile else { return }
    try folder.write(Data(outcome.metrics.utf8), to: file)
  }
}
