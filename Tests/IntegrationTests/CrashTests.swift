import Foundation
import Glibc
import Records
import TestSupport
import Testing

/// The daemon as users run it, against a broker process: killed in the middle of a transaction and
/// started again.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct CrashTests {
  private static let count = 1500

  @Test func aKillInMidTransactionLosesAndRepeatsNothing() throws {
    let world = try ExchangeWorld(count: Self.count, words: 150)
    defer { world.broker.stop() }
    let settings = world.settings

    let victim = try DaemonProcess(settings: settings)
    let met = try killInMidTransaction(victim, world)
    try #require(met, "no open transaction was met; the daemon's log: \(victim.log)")

    let successor = try DaemonProcess(settings: settings)
    let outputs: [InputRecord]
    do {
      outputs = try world.readCommitted()
    } catch {
      Issue.record("\(error); the successor's log: \(successor.log)")
      return
    }
    #expect(successor.process.stop(within: .seconds(30)) == .exited(0), "\(successor.log)")
    try world.check(outputs)
    var written: [InputRecord] = []
    try world.poll(world.reader(isolation: "read_uncommitted"), into: &written, while: .seconds(5))
    #expect(written.count > outputs.count, "the killed transaction left its aborted records")
  }

  /// Requests that are held and come late, and kills besides: what lost and repeated records in the
  /// field. A daemon that leaves by itself is started again, as its service manager would do.
  @Test func heldRequestsAndKillsLoseAndRepeatNothing() throws {
    let world = try ExchangeWorld(count: Self.count)
    defer { world.broker.stop() }
    let holding = KafkaProxy.Holding(oneIn: 8, delayMilliseconds: 1...300, heldMax: 120, seed: 1)
    let proxy = try #require(KafkaProxy(broker: world.broker.port, holding: holding))
    defer { proxy.stop() }
    let settings =
      world.settings(reaching: proxy.bootstrapServers) + "\ntransaction: {records_max: 20}\n"

    let reader = try world.reader(isolation: "read_uncommitted")
    var seen: [InputRecord] = []
    var daemon = try DaemonProcess(settings: settings)
    for goal in [300, 700, 1_100] {
      try world.poll(
        reader, into: &seen, until: { $0.count >= goal || !daemon.process.isRunning })
      daemon.process.kill()
      daemon = try DaemonProcess(settings: settings)
    }
    var outputs: [InputRecord] = []
    let end = ContinuousClock.now + .seconds(120)
    while outputs.count < Self.count, ContinuousClock.now < end {
      if !daemon.process.isRunning { daemon = try DaemonProcess(settings: settings) }
      outputs = []
      try world.poll(
        world.reader(isolation: "read_committed"), into: &outputs, while: .seconds(5))
    }
    #expect(proxy.held.values.reduce(0, +) >= 20, "\(proxy.held)")
    daemon.process.stop(within: .seconds(30))
    try world.check(outputs)
  }

  @Test func aDaemonThatIsAskedToStopLeavesInOrderAndTheNextOneGoesOn() throws {
    let world = try ExchangeWorld(count: Self.count, words: 150)
    defer { world.broker.stop() }
    let settings = world.settings
    let first = try DaemonProcess(settings: settings)
    let reader = try world.reader(isolation: "read_committed")
    var outputs: [InputRecord] = []
    try world.poll(reader, into: &outputs, until: { $0.count >= 50 })
    #expect(first.process.stop(within: .seconds(30)) == .exited(0), "\(first.log)")
    let second = try DaemonProcess(settings: settings)
    try world.poll(reader, into: &outputs, until: { $0.count >= Self.count })
    #expect(second.process.stop(within: .seconds(30)) == .exited(0), "\(second.log)")
    try world.check(outputs)
  }

  /// Holds the daemon still again and again until it stands in the middle of a transaction, and
  /// kills it there; false when that never happened.
  private func killInMidTransaction(_ daemon: DaemonProcess, _ world: ExchangeWorld) throws -> Bool
  {
    let committed = try world.reader(isolation: "read_committed")
    let all = try world.reader(isolation: "read_uncommitted")
    var seenCommitted: [InputRecord] = []
    var seen: [InputRecord] = []
    try world.poll(all, into: &seen, until: { !$0.isEmpty })
    while seen.count < Self.count {
      daemon.process.send(signal: SIGSTOP)
      try world.poll(all, into: &seen, while: .milliseconds(150))
      try world.poll(committed, into: &seenCommitted, while: .milliseconds(150))
      if seen.count > seenCommitted.count, try isTransactionOpen(seen.count, world) {
        daemon.process.kill()
        return true
      }
      daemon.process.send(signal: SIGCONT)
      try world.poll(all, into: &seen, while: .milliseconds(Int.random(in: 1...20)))
    }
    return false
  }

  /// Whether a new reader of what is committed also sees less: the first may only have been late.
  private func isTransactionOpen(_ written: Int, _ world: ExchangeWorld) throws -> Bool {
    let reader = try world.reader(isolation: "read_committed")
    var records: [InputRecord] = []
    try world.poll(reader, into: &records, while: .seconds(5))
    return records.count < written
  }
}
