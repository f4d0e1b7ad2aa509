import Foundation
import Kafka
import TestSupport
import Testing

/// What breaks of the status server while the daemon runs: the stream does not depend on it.
@Suite(.serialized) struct StatusServerFaultTests {
  private let cluster: MockCluster
  private let port = freeLoopbackPort()

  init() throws {
    cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] { try cluster.createTopic(topic, partitions: 1) }
  }

  private var settings: String {
    """
    kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: status}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(GoldenCase.url("v3-style").path), poll_seconds: 0}
    engine: {threads: 1}
    telemetry: {listen: "127.0.0.1:\(port)"}
    """
  }

  private var page: String? {
    URL(string: "http://127.0.0.1:\(port)/live").flatMap {
      try? String(contentsOf: $0, encoding: .utf8)
    }
  }

  /// While no file handle is left for a connection, nobody is answered; the daemon goes on, its
  /// port stays its own, and it answers when there are handles.
  @Test func withoutFileHandlesItKeepsItsPort() throws {
    let daemon = try DaemonProcess(settings: settings)
    #expect(page != nil)
    // No handle from number 3 on; those that are open stay.
    try limitHandles(of: daemon, to: "3:")
    let client = try #require(Socket.connected(to: port))
    #expect(client.write(Array("GET /live HTTP/1.1\r\nHost: x\r\n\r\n".utf8)))
    #expect(client.readUntilEnd(pause: .seconds(3)).bytes.isEmpty)
    #expect(TakenPort(port) == nil)
    #expect(daemon.process.isRunning, "\(daemon.log)")
    try limitHandles(of: daemon, to: "1024:")
    #expect(comesAbout { page != nil }, "\(daemon.log)")
    #expect(daemon.process.stop(within: .seconds(60)) == .exited(0))
  }

  /// Clients that hold on to many connections take few of the daemon's file handles, which
  /// its brokers need too.
  @Test func clientsCannotTakeTheHandlesOfTheStream() throws {
    let daemon = try DaemonProcess(settings: settings)
    #expect(page != nil)
    let handles = "/proc/\(daemon.process.processIdentifier)/fd"
    let before = try FileManager.default.contentsOfDirectory(atPath: handles).count
    let clients = (0..<180).compactMap { Socket.connected(to: port, fromHost: UInt8(2 + $0 % 4)) }
    #expect(clients.count == 180, "what finds no place waits")
    let isBeyond = comesAbout(within: .seconds(2)) {
      let now = (try? FileManager.default.contentsOfDirectory(atPath: handles).count) ?? .max
      return now > before + 70
    }
    #expect(!isBeyond, "the limit is 64 connections")
    withExtendedLifetime(clients) {}
    #expect(daemon.process.stop(within: .seconds(60)) == .exited(0))
  }

  private func limitHandles(of daemon: DaemonProcess, to limit: String) throws {
    let command = try ChildProcess(
      "/usr/bin/prlimit", ["--pid", "\(daemon.process.processIdentifier)", "--nofile=\(limit)"])
    #expect(command.wait(within: .seconds(60)) == .exited(0))
  }
}
