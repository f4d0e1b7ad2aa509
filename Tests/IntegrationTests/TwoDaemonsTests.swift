import Foundation
import Records
import TestSupport
import Testing

/// Two daemons of one group on one host, with one settings file that names neither.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct TwoDaemonsTests {
  private func name(_ daemon: DaemonProcess) -> String {
    let match = daemon.log.firstMatch(of: /\bas=(\S+)/)
    return match.map { String($0.1) } ?? daemon.log
  }

  @Test func neitherFencesTheOtherAndASuccessorHasItsPredecessorsName() throws {
    let world = try ExchangeWorld(count: 300)
    defer { world.broker.stop() }
    let state = try TemporaryDirectory()
    let settings = world.settings.replacing(
      "group_instance_id: filter-1", with: "group_id: twins")
    func start() throws -> DaemonProcess {
      try DaemonProcess(settings: settings, environment: ["STATE_DIRECTORY": state.path])
    }
    let first = try start()
    let second = try start()
    #expect(name(second) == name(first) + "#2")
    // In order: this broker keeps the partitions of a member that was killed.
    #expect(first.process.stop(within: .seconds(30)) == .exited(0), "\(first.log)")
    let successor = try start()
    #expect(name(successor) == name(first))
    let outputs = try world.readCommitted()
    for daemon in [second, successor] {
      #expect(daemon.process.isRunning, "\(daemon.log)")
      #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    }
    try world.check(outputs)
  }
}
