import Basics
import Glibc
import TestSupport

/// What a long run brought.
struct EnduranceResult: Sendable {
  var samples: [EnduranceSample] = []
  var findings = Verifier.Findings()
  /// What is wrong beside that.
  var problems: [String] = []
  /// How retrainings ended.
  var retrainings: [ChildProcess.Ending: Int] = [:]
  /// Times at which another model was let in while the filter ran.
  var swaps = 0
  /// Models in the registry, those among them that were refused.
  var models = 0
  /// Seconds from the last exchange until all were decided.
  var settling = 0.0
}

/// A filter that runs for long under a load, what runs beside it, and what comes out.
final class Endurance {
  private let plan: EndurancePlan
  private let world: EnduranceWorld
  private var workload: Workload
  private var result = EnduranceResult()
  private var labeller: Daemon?
  private var retraining: ChildProcess?
  private var throttle: Throttle?
  /// When the throttle was looked after last, and what was decided then.
  private var adjusted = (at: 0.0, decided: 0)
  private var nextRetraining: Double
  private static let adjustingSeconds = 15.0

  init(_ plan: EndurancePlan) async throws {
    self.plan = plan
    world = try await EnduranceWorld(plan)
    workload = Workload(seed: plan.seed, variants: plan.variants, texts: plan.texts)
    nextRetraining = plan.retrainSeconds ?? .infinity
  }

  /// Lets it all happen.
  ///
  /// - Parameter onProgress: called now and then with what it has come to.
  func run(onProgress: (EnduranceSample) -> Void) async throws -> EnduranceResult {
    let outcome = Result { try run(onProgress) }
    await world.leave()
    return try outcome.get()
  }

  private func run(_ onProgress: (EnduranceSample) -> Void) throws -> EnduranceResult {
    let filter = try Daemon(
      plan.program, settings: world.settings, log: "\(plan.folder)/filter.log")
    if plan.retrainSeconds != nil {
      labeller = try Daemon(
        plan.program, "label", settings: world.settings, log: "\(plan.folder)/label.log")
    }
    defer { throttle?.stop() }
    guard waitUntilReady(filter) else { return result }
    let watcher = Watcher(world.ground, .committed, partitions: plan.partitions)
    let shape = plan.shape
    let feeder = Feeder(
      world.ground, workload, records: shape.records, partitions: plan.partitions
    ) { shape.due(after: $0) }
    try live(filter, feeder, watcher, onProgress)
    feeder.stop()
    watcher.stop()
    result.problems += watcher.seen.problems
    end(filter, "filter")
    if let labeller { end(labeller, "labelling service") }
    try verify()
    return result
  }

  private func waitUntilReady(_ filter: Daemon) -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
      if filter.isReady, labeller?.isReady ?? true { return true }
      usleep(20_000)  // sleeps: it asks the sockets of two programs
    }
    result.problems.append("no daemon was ready within a minute")
    return false
  }

  private func live(
    _ filter: Daemon, _ feeder: Feeder, _ watcher: Watcher,
    _ onProgress: (EnduranceSample) -> Void
  ) throws {
    let start = ContinuousClock.now
    var nextSample = 0.0
    while true {
      let elapsed = (ContinuousClock.now - start).seconds
      let (sent, decided) = (feeder.sent, watcher.seen.decided.reduce(0, +))
      try retrain(at: elapsed)
      slowDown(filter, at: elapsed, decided)
      result.settling = max(0, elapsed - plan.shape.seconds)
      let isDone =
        elapsed >= plan.shape.seconds && decided >= plan.shape.records && retraining == nil
      if elapsed >= nextSample || isDone {
        nextSample = elapsed + plan.interval
        let sample = look(filter, at: elapsed, sent: sent, decided: decided)
        result.samples.append(sample)
        onProgress(sample)
      }
      if isDone { return }
      if let problem = problem(filter, feeder, decided) {
        result.problems.append(problem)
        return
      }
      usleep(10_000)  // sleeps: it looks at processes and readers a hundred times a second
    }
  }

  private func problem(_ filter: Daemon, _ feeder: Feeder, _ decided: Int) -> String? {
    if let error = feeder.error { return "the producer of exchanges: \(error)" }
    if !filter.process.isRunning { return "the filter ended: \(ending(of: filter))" }
    if let labeller, !labeller.process.isRunning {
      return "the labelling service ended: \(ending(of: labeller))"
    }
    if result.settling > plan.patience {
      return "\(decided) of \(plan.shape.records) exchanges are decided, and no more come"
    }
    return nil
  }

  private func look(
    _ filter: Daemon, at elapsed: Double, sent: Int, decided: Int
  ) -> EnduranceSample {
    EnduranceSample(
      at: elapsed, sent: sent, decided: decided,
      filter: .init(process: filter.process.processIdentifier, port: world.filterPort),
      labeller: labeller.flatMap {
        .init(process: $0.process.processIdentifier, port: world.labelPort)
      },
      swaps: result.swaps)
  }

  /// Starts a retraining when its time has come, and notes how one has ended.
  private func retrain(at elapsed: Double) throws {
    if let running = retraining, !running.isRunning, let ending = running.ending {
      result.retrainings[ending, default: 0] += 1
      retraining = nil
      // Where its gate has refused the new model, the former one comes back: another model anyhow.
      if ending == .exited(0) || world.rollBack() { result.swaps += 1 }
    }
    guard retraining == nil, elapsed >= nextRetraining, elapsed < plan.shape.seconds else { return }
    nextRetraining += plan.retrainSeconds ?? .infinity
    retraining = try ChildProcess(
      plan.program, ["retrain", "--config", try world.settingsFile()],
      output: "\(plan.folder)/retrain.log")
  }

  /// Lets the filter run for as much of the time as it takes to judge what it is to judge.
  private func slowDown(_ filter: Daemon, at elapsed: Double, _ decided: Int) {
    guard let wanted = plan.throttle else { return }
    if wanted.during.contains(elapsed), throttle == nil {
      throttle = Throttle(filter.process.processIdentifier, share: wanted.share)
      adjusted = (elapsed, decided)
    } else if elapsed >= wanted.during.upperBound, let running = throttle {
      running.stop()
      throttle = nil
    } else if let running = throttle, elapsed >= adjusted.at + Self.adjustingSeconds {
      let rate = Double(decided - adjusted.decided) / (elapsed - adjusted.at)
      running.scale(by: min(max(wanted.rate / max(rate, 0.01), 0.5), 2).squareRoot())
      adjusted = (elapsed, decided)
    }
  }

  private func end(_ daemon: Daemon, _ name: String) {
    let ending = daemon.process.stop(within: .seconds(60))
    if ending != .exited(0) {
      result.problems.append("the \(name) ended: \(self.ending(of: daemon))")
    }
  }

  private func ending(of daemon: Daemon) -> String {
    daemon.process.ending.map { "\($0)" } ?? "not at all"
  }

  /// Every verdict must be that of the model which it names.
  private func verify() throws {
    for (name, folder) in world.versions {
      try workload.learn(name, from: folder, plan.precision, by: plan.program)
      result.models += 1
    }
    let (findings, problems) = try Verifier(
      workload: workload, names: world.ground.names, records: plan.shape.records,
      partitions: plan.partitions
    ).read(from: world.ground)
    result.findings = findings
    result.problems += problems
    let failed = result.retrainings.filter { ![.exited(0), .exited(10)].contains($0.key) }
    if !failed.isEmpty { result.problems.append("retrainings ended otherwise: \(failed)") }
  }
}
