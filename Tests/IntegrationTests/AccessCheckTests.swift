import Foundation
import Kafka
import Records
import TestSupport
import Testing

/// `check --connect` beside a daemon that runs with the same settings.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct AccessCheckTests {
  @Test func aCheckDisturbsNoDaemonAndWritesNothing() throws {
    let world = try ExchangeWorld(count: 900, words: 150)
    defer { world.broker.stop() }
    let daemon = try DaemonProcess(settings: world.settings)
    let reader = try world.reader(isolation: "read_committed")
    var seen: [InputRecord] = []
    try world.poll(reader, into: &seen, until: { !$0.isEmpty })

    let directory = try TemporaryDirectory()
    try Data(world.settings.utf8).write(to: URL(filePath: directory.path + "/sluice.yaml"))
    for _ in 0..<2 {
      let check = try ChildProcess(
        DaemonProcess.program,
        ["check", "--config", directory.path + "/sluice.yaml", "--connect"],
        output: directory.path + "/out")
      #expect(check.wait(within: .seconds(120)) == .exited(0), "\(directory.text(of: "out"))")
    }
    let text = directory.text(of: "out")
    #expect(text.contains("may write (tried in an aborted transaction of sluice-check)"), "\(text)")

    try world.check(try world.readCommitted())
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    #expect(!daemon.log.contains("FENCED"), "\(daemon.log)")
  }
}
