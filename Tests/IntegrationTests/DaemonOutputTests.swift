import Foundation
import Glibc
import TestSupport
import Testing

/// What the daemon says while it runs, and to whom.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct DaemonOutputTests {
  private func settings(_ world: ExchangeWorld, port: UInt16, format: String) -> String {
    world.settings.replacing(
      "telemetry: {listen: none}",
      with: "telemetry: {listen: \"127.0.0.1:\(port)\", log_level: info, log_format: \(format)}")
  }

  private func scrape(port: UInt16) throws -> String {
    try String(
      contentsOf: try #require(URL(string: "http://127.0.0.1:\(port)/metrics")), encoding: .utf8)
  }

  @Test(arguments: ["text", "json"])
  func aReaderOfTheLogThatLeavesTakesNothingAlong(format: String) throws {
    let world = try ExchangeWorld(count: 30)
    defer { world.broker.stop() }
    let directory = try TemporaryDirectory()
    let notify = NotifySocket(in: directory)
    let port = freeLoopbackPort()
    let file = directory.path + "/sluice.yaml"
    try Data(settings(world, port: port, format: format).utf8).write(to: URL(filePath: file))
    let pipe = directory.path + "/pipe"
    let isMade = unsafe mkfifo(pipe, 0o600) == 0
    #expect(isMade)
    let reader = unsafe open(pipe, O_RDONLY | O_NONBLOCK)
    let daemon = try ChildProcess(
      DaemonProcess.program, ["serve", "--config", file],
      environment: ["NOTIFY_SOCKET": notify.path], output: pipe)
    #expect(notify.hears("READY=1", within: .seconds(60)))
    close(reader)
    for _ in 0..<20 { #expect(try scrape(port: port).contains("sluice_")) }
    #expect(try world.readCommitted().count == 30)
    #expect(daemon.stop(within: .seconds(30)) == .exited(0))
  }

  @Test func scrapesAreNotInTheLog() throws {
    let world = try ExchangeWorld(count: 3)
    defer { world.broker.stop() }
    let port = freeLoopbackPort()
    let daemon = try DaemonProcess(settings: settings(world, port: port, format: "json"))
    let before = daemon.log
    for _ in 0..<20 { _ = try scrape(port: port) }
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0))
    #expect(!daemon.log.contains("metrics\""), "\(daemon.log)")
    let lines = daemon.log.dropFirst(before.count).split(separator: "\n")
    #expect(lines.count < 10, "\(daemon.log)")
    for line in daemon.log.split(separator: "\n") {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }
  }
}
