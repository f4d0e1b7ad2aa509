import Foundation
import Kafka
import Records
import TestSupport
import Testing
import Wire

/// Somebody sets the clock while the daemon runs: as administrators do, hosts that wake, and time
/// services at the first sight of a better clock.
@Suite(.serialized) struct ClockTests {
  private static let sessionSeconds = 6

  /// Records are judged all the same, the daemon stays in its group, and it ends in order.
  @Test func aClockThatIsSetHoldsUpNothing() throws {
    let cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] { try cluster.createTopic(topic, partitions: 2) }
    let directory = try TemporaryDirectory()
    let clock = try JumpingClock(in: directory)
    let port = freeLoopbackPort()
    let daemon = try DaemonProcess(
      settings: """
        kafka:
          bootstrap_servers: "\(cluster.bootstrapServers)"
          group_id: clock
          consumer_properties: {session.timeout.ms: \(Self.sessionSeconds)000, heartbeat.interval.ms: 500}
        topics: {input: in, verdicts: verdicts, dead_letters: dead}
        model: {path: \(GoldenCase.url("v3-style").path), poll_seconds: 0}
        engine: {threads: 1, precision: fp32}
        telemetry: {listen: "127.0.0.1:\(port)"}
        """, environment: clock.environment)
    let reader = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": cluster.bootstrapServers, "group.id": "reader",
        "auto.offset.reset": "earliest",
      ]))
    try reader.subscribe(to: ["verdicts"])
    var verdicts: [InputRecord] = []
    var sent = 0
    let steps: [Duration] = [
      .zero, .seconds(-3_600), .seconds(3 * 86_400), .seconds(-10 * 365 * 86_400),
    ]
    for step in steps {
      try clock.set(ahead: step)
      // Long enough for a member that says nothing to be taken for gone.
      if step != .zero { Thread.sleep(forTimeInterval: Double(Self.sessionSeconds) + 2) }
      try send(20, from: sent, to: cluster)
      sent += 20
      let areThere = comesAbout(within: .seconds(15)) {
        try? reader.poll(into: &verdicts, max: 500, timeout: .milliseconds(20)) { _ in }
        return verdicts.count >= sent
      }
      #expect(areThere, "\(verdicts.count) of \(sent) after \(step): \(daemon.log)")
    }
    let page =
      URL(string: "http://127.0.0.1:\(port)/metrics").flatMap {
        try? String(contentsOf: $0, encoding: .utf8)
      } ?? ""
    #expect(page.contains("\nsluice_assigned_partitions 2\n"))
    #expect(!daemon.log.contains("session timed out"), "\(daemon.log)")
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    var decoder = VerdictDecoder()
    let ids = try verdicts.map { try decoder.decode($0.value ?? [], as: .json).id }
    #expect(ids.sorted() == (0..<sent).map { "\($0)" }.sorted())
  }

  private func send(_ count: Int, from first: Int, to cluster: MockCluster) throws {
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
    try producer.send(
      (first..<first + count).map { number in
        OutputRecord(
          topic: "in", partition: Partition(Int32(number % 2)), key: nil,
          value: Array(#"{"id": "\#(number)", "prompt": "How are you?"}"#.utf8))
      }, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }
}
