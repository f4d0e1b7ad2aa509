import Basics
import Glibc
import TestSupport

/// A fault that was injected, and when all partitions had moved on after it.
struct Incident: Sendable {
  let fault: Fault
  let member: Int
  /// Seconds since the round began.
  let at: Double
  let milliseconds: Int
  /// Seconds from the fault until every partition that had undecided exchanges had decided one
  /// more, whatever else failed meanwhile; nil while that has not come about.
  var recovery: Double?
}

/// Chooses faults by seed and lets them happen, one at a time to each member.
final class Injector {
  private let plan: ChaosPlan
  private let members: [Member]
  private var random: SplitMix64
  private let start: ContinuousClock.Instant
  private var next: ContinuousClock.Instant
  /// What ends a fault, and when.
  private var endings: [(due: ContinuousClock.Instant, end: () -> Void)] = []
  /// When nobody reaches the broker any more.
  private var outage: ContinuousClock.Instant?
  private(set) var incidents: [Incident] = []
  /// Exchanges decided of each partition when a fault happened that is not over, by its place.
  private var unrecovered: [Int: [Int]] = [:]

  init(_ plan: ChaosPlan, _ members: [Member], start: ContinuousClock.Instant, seed: UInt64) {
    (self.plan, self.members, self.start) = (plan, members, start)
    random = SplitMix64(seed: seed)
    next = start
    if plan.outageSeconds > 0 { outage = start + .seconds(plan.seconds / 3) }
    postpone()
  }

  /// Ends what is over, and injects a fault if its time has come.
  func act(decided: [Int], isOpen: Bool) throws {
    let now = ContinuousClock.now
    for ending in endings where ending.due <= now { ending.end() }
    endings.removeAll { $0.due <= now }
    if let outage, now >= outage {
      for member in members { member.proxy?.apply(.refuse(.seconds(plan.outageSeconds))) }
      self.outage = nil
    }
    guard isOpen, now >= next else { return }
    postpone()
    guard let fault = plan.faults.randomElement(using: &random),
      let member = target(of: fault)
    else { return }
    let milliseconds = fault.milliseconds(&random)
    unrecovered[incidents.count] = decided
    incidents.append(
      Incident(
        fault: fault, member: member.number, at: (now - start).seconds, milliseconds: milliseconds))
    try inject(fault, member, milliseconds, due: now + .milliseconds(milliseconds))
  }

  /// Looks which partitions have moved on.
  ///
  /// - Parameters:
  ///   - decided: exchanges of each partition that are decided.
  ///   - sent: exchanges of each partition that were sent.
  func observe(decided: [Int], sent: [Int]) {
    let now = (ContinuousClock.now - start).seconds
    for (place, before) in unrecovered
    where decided.indices.allSatisfy({ decided[$0] > before[$0] || decided[$0] >= sent[$0] }) {
      incidents[place].recovery = now - incidents[place].at
      unrecovered[place] = nil
    }
  }

  /// Whether every partition has moved on after every fault.
  var hasRecovered: Bool { unrecovered.isEmpty && endings.isEmpty }

  /// Ends all faults that last.
  func finish() {
    for ending in endings { ending.end() }
    endings = []
  }

  /// Pauses between faults are spread as those of things that happen independently.
  private func postpone() {
    let unit = Double.random(in: 0.02..<1, using: &random)
    next = ContinuousClock.now + .seconds(-plan.pace * log(unit))
  }

  /// Daemons that are at work, mostly, and now and then one that is only starting.
  private func target(of fault: Fault) -> Member? {
    let running = members.filter { $0.daemon != nil }
    let ready = running.filter { $0.daemon?.isReady == true }
    let isEarly = random.oneIn(6)
    if fault == .zombie || fault == .leave { return ready.randomElement(using: &random) }
    return (isEarly || ready.isEmpty ? running : ready).randomElement(using: &random)
  }

  private func inject(
    _ fault: Fault, _ member: Member, _ milliseconds: Int, due: ContinuousClock.Instant
  ) throws {
    switch fault {
    case .kill: member.kill()
    case .leave: member.leave()
    case .stop: endings.append((due, member.stop()))
    case .zombie: endings.append((due, try member.replaceHeld()))
    case .cut, .cutInFrame, .silence, .deafness, .halfOpen, .refuse, .slow:
      if let fault = fault.onNetwork(lasting: milliseconds) { member.proxy?.apply(fault) }
    }
  }
}
