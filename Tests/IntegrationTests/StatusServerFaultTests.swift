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

  private var page: String? {
    URL(string: "http://127.0.0.1:\(port)/live").flatMap {
      try? String(contentsOf: $0, encoding: .utf8)
    }
  }

  /// No file handle was left for a connection, which ends the server; before it listened again
  /// somebody else had its port.
  @Test func aPortThatIsTakenMeanwhileDoesNotEndTheDaemon() async throws {
    let daemon = try DaemonProcess(
      settings: """
        kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: status}
        topics: {input: in, verdicts: verdicts, dead_letters: dead}
        model: {path: \(GoldenCase.url("v3-style").path), poll_seconds: 0}
        engine: {threads: 1}
        telemetry: {listen: "127.0.0.1:\(port)"}
        """)
    #expect(page != nil)
    // No handle from number 3 on; those that are open stay.
    try limitHandles(of: daemon, to: "3:")
    var taken: TakenPort?
    let isTaken = await eventually {
      _ = isListening(port)
      taken = TakenPort(port)
      return taken != nil
    }
    #expect(isTaken, "\(daemon.log)")
    try limitHandles(of: daemon, to: "1024:")
    try await Task.sleep(for: .seconds(3))  // sleeps: it listens again after one
    #expect(daemon.process.isRunning, "\(daemon.log)")
    taken = nil
    #expect(await eventually { page != nil }, "\(daemon.log)")
    #expect(daemon.process.stop(within: .seconds(60)) == .exited(0))
  }

  private func limitHandles(of daemon: DaemonProcess, to limit: String) throws {
    let command = try ChildProcess(
      "/usr/bin/prlimit", ["--pid", "\(daemon.process.processIdentifier)", "--nofile=\(limit)"])
    #expect(command.wait(within: .seconds(60)) == .exited(0))
  }
}
