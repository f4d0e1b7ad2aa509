import Basics
import Glibc
import TestSupport

/// What a round brought.
struct RoundResult: Sendable {
  struct Sample: Sendable {
    /// Seconds since the round began.
    let at: Double
    let sent: Int
    let decided: Int
  }

  let number: Int
  var incidents: [Incident] = []
  var samples: [Sample] = []
  var findings = Verifier.Findings()
  /// What is wrong beside that.
  var problems: [String] = []
  var held: [Int16: Int] = [:]
  var endings: [ChildProcess.Ending: Int] = [:]
  /// Outputs of transactions that were aborted, which only read_uncommitted shows.
  var aborted = 0
  /// Seconds from the last fault until everything was decided.
  var settling = 0.0
  var seconds = 0.0

  var isGood: Bool { findings.isEmpty && problems.isEmpty }
}

/// One ground, its daemons, what happens to them, and what came out.
final class Round {
  private let plan: ChaosPlan
  private let workload: Workload
  private let ground: Ground
  private var result: RoundResult
  private var members: [Member] = []
  private let start = ContinuousClock.now

  /// Makes ready where it happens.
  init(_ plan: ChaosPlan, number: Int, _ workload: Workload) throws {
    (self.plan, self.workload) = (plan, workload)
    result = RoundResult(number: number)
    ground = try Ground(plan.cluster, partitions: plan.partitions, round: number)
  }

  /// Lets it all happen.
  ///
  /// - Parameter onProgress: called now and then with the share that is done.
  func run(onProgress: (Double) -> Void) throws -> RoundResult {
    defer { ground.leave() }
    let seed = plan.seed &+ UInt64(result.number) &* 0x9e37_79b9_7f4a_7c15
    let proxies = makeMembers(seed: seed)
    defer { for proxy in proxies { proxy.stop() } }
    let committed = Watcher(ground, .committed, partitions: plan.partitions)
    let uncommitted = Watcher(ground, .uncommitted, partitions: plan.partitions)
    let (records, seconds) = (plan.records, Double(plan.seconds))
    let feeder = Feeder(ground, workload, records: records, partitions: plan.partitions) {
      Int($0 / seconds * Double(records))
    }
    let injector = Injector(plan, members, start: start, seed: seed)
    do {
      try live(injector, feeder, committed, onProgress)
    } catch {
      for member in members { member.kill() }
      throw error
    }
    feeder.stop()
    for member in members { member.end(within: .seconds(60)) }
    committed.stop()
    uncommitted.stop()
    for proxy in proxies { result.held.merge(proxy.held, uniquingKeysWith: +) }
    for member in members { result.endings.merge(member.endings, uniquingKeysWith: +) }
    result.incidents = injector.incidents
    result.aborted = max(0, uncommitted.seen.count - committed.seen.count)
    result.problems += committed.seen.problems + uncommitted.seen.problems
    if let error = feeder.error { result.problems.append("the producer of exchanges: \(error)") }
    judgeEndings()
    let (findings, problems) = try Verifier(
      workload: workload, names: ground.names, records: plan.records, partitions: plan.partitions
    ).read(from: ground)
    result.findings = findings
    result.problems += problems
    result.seconds = (ContinuousClock.now - start).seconds
    return result
  }

  private func makeMembers(seed: UInt64) -> [KafkaProxy] {
    var proxies: [KafkaProxy] = []
    for number in 0..<plan.daemons {
      let holding =
        plan.holdOneIn > 0
        ? KafkaProxy.Holding(
          oneIn: plan.holdOneIn, delayMilliseconds: 1...plan.holdMilliseconds, heldMax: .max,
          seed: seed &+ UInt64(number)) : nil
      let proxy =
        plan.isProxied
        ? ground.port.flatMap { KafkaProxy(broker: $0, holding: holding) } : nil
      if let proxy { proxies.append(proxy) }
      members.append(Member(number: number, proxy: proxy, ground: ground, plan: plan))
    }
    return proxies
  }

  /// Faults while exchanges come, and then rest until everything is decided.
  private func live(
    _ injector: Injector, _ feeder: Feeder, _ watcher: Watcher, _ onProgress: (Double) -> Void
  ) throws {
    var lastFault = start
    while true {
      for member in members { try member.revive() }
      let decided = watcher.seen.decided
      let sent = feeder.sent
      let now = ContinuousClock.now
      let elapsed = (now - start).seconds
      let isOpen = elapsed < Double(plan.seconds + plan.outageSeconds)
      try injector.act(decided: decided, isOpen: isOpen)
      if isOpen { lastFault = now }
      injector.observe(
        decided: decided,
        sent: (0..<plan.partitions).map { (sent - $0 + plan.partitions - 1) / plan.partitions })
      note(at: elapsed, sent: sent, decided: decided.reduce(0, +))
      onProgress(Double(decided.reduce(0, +)) / Double(plan.records))
      if !isOpen {
        let isDone = decided.reduce(0, +) >= plan.records && injector.hasRecovered
        result.settling = (now - lastFault).seconds
        if isDone { return }
        if let failure = failure(injector, resting: now - lastFault, decided, feeder) {
          result.problems.append(failure)
          injector.finish()
          return
        }
      }
      usleep(10_000)  // sleeps: it looks at processes and readers a hundred times a second
    }
  }

  /// What did not come about in time.
  private func failure(
    _ injector: Injector, resting: Duration, _ decided: [Int], _ feeder: Feeder
  ) -> String? {
    if let error = feeder.error { return "the producer of exchanges: \(error)" }
    if resting > ChaosPlan.ownershipMax + .milliseconds(8_000), !injector.hasRecovered {
      return "a partition without an owner: \(decided) are decided of each"
    }
    if resting > .seconds(plan.patience) {
      return "\(decided.reduce(0, +)) of \(plan.records) exchanges are decided, and no more come"
    }
    return nil
  }

  private func note(at elapsed: Double, sent: Int, decided: Int) {
    if let last = result.samples.last, elapsed - last.at < 0.25 { return }
    result.samples.append(RoundResult.Sample(at: elapsed, sent: sent, decided: decided))
  }

  /// Daemons leave with a documented code, or by the signal that asks them to before they hear it.
  private func judgeEndings() {
    for (ending, count) in result.endings {
      switch ending {
      case .exited(0), .exited(69), .exited(70), .killed(signal: SIGTERM): break
      case .exited(let code): result.problems.append("\(count) daemons left with \(code)")
      case .killed(let signal):
        result.problems.append("\(count) daemons ended by signal \(signal)")
      }
    }
  }
}
