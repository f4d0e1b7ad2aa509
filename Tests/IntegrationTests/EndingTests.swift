import Foundation
import Glibc
import Records
import TestSupport
import Testing

/// How a daemon ends whose broker does not answer any more.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct EndingTests {
  /// A daemon in the middle of its work, with a broker that has stopped answering.
  private func strandedDaemon(_ world: ExchangeWorld) throws -> DaemonProcess {
    let daemon = try DaemonProcess(
      settings: world.settings + "\ndrain_timeout_milliseconds: 4000\n")
    var outputs: [InputRecord] = []
    let reader = try world.reader(isolation: "read_committed")
    try world.poll(reader, into: &outputs, until: { $0.count >= 30 })
    world.broker.freeze()
    return daemon
  }

  @Test func aSecondSignalEndsItAtOnce() throws {
    let world = try ExchangeWorld(count: 1_500, words: 150)
    defer { world.broker.stop() }
    let daemon = try strandedDaemon(world)
    daemon.process.send(signal: SIGTERM)
    #expect(daemon.process.wait(within: .milliseconds(1_500)) == nil, "\(daemon.log)")
    daemon.process.send(signal: SIGTERM)
    #expect(daemon.process.wait(within: .seconds(2)) == .killed(signal: SIGTERM), "\(daemon.log)")
    #expect(daemon.log.contains("a second signal"))
  }

  @Test func withoutItTheEndHasALimit() throws {
    let world = try ExchangeWorld(count: 1_500, words: 150)
    defer { world.broker.stop() }
    let daemon = try strandedDaemon(world)
    daemon.process.send(signal: SIGTERM)
    // Draining, leaving the group, and freeing two clients, each with its limit; the unit's own
    // limit is forty seconds.
    let ending = daemon.process.wait(within: .seconds(38))
    guard case .exited = ending else {
      Issue.record("\(String(describing: ending)): \(daemon.log)")
      return
    }
  }
}
