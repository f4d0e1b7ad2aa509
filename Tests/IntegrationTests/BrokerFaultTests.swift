import Foundation
import Kafka
import Records
import TestSupport
import Testing

/// Brokers that fail under a running daemon: it says what is wrong, and goes on by itself once it is
/// not. Nothing is lost; that nothing is repeated either is shown on brokers that hide what was
/// aborted, which these do not.
@Suite struct BrokerFaultTests {
  /// What goes wrong, and what the daemon's log says meanwhile.
  private struct Fault: Sendable {
    let name: String
    var says: String?
    var seconds = 1.0
    let begin: @Sendable (MockCluster) throws -> Void
    var end: @Sendable (MockCluster) throws -> Void = { _ in }
  }

  private static let brokers = 1...3
  private static let verdicts = TopicPartition(topic: "verdicts", partition: Partition(0))

  private static let faults = [
    Fault(
      name: "one broker goes away and comes back", seconds: 2,
      begin: { try $0.setBroker(2, isUp: false) }, end: { try $0.setBroker(2, isUp: true) }),
    Fault(
      name: "the group has another coordinator",
      begin: { try $0.setCoordinator(2, of: .group, "faulted") }),
    Fault(
      name: "transactions have another coordinator",
      begin: { try $0.setCoordinator(3, of: .transaction, "faulted-1") }),
    Fault(
      name: "the outputs have another leader", begin: { try $0.setLeader(3, of: verdicts) }),
    Fault(
      name: "the outputs have no leader", seconds: 2,
      begin: { try $0.setLeader(nil, of: verdicts) },
      end: { try $0.setLeader(1, of: verdicts) }),
    Fault(
      name: "the right to write is lost and given back", says: "TOPIC_AUTHORIZATION_FAILED",
      begin: {
        $0.failNext(
          .addPartitionsToTransaction,
          with: Array(repeating: .topicAuthorizationFailed, count: 2))
      }),
    Fault(
      name: "the right to commit is lost and given back", says: "GROUP_AUTHORIZATION_FAILED",
      begin: {
        $0.failNext(
          .transactionOffsetCommit, with: Array(repeating: .groupAuthorizationFailed, count: 2))
      }),
    Fault(
      name: "the output topic is not there for a while", seconds: 2,
      begin: { $0.setError(.unknownTopicOrPartition, of: "verdicts") },
      end: { $0.setError(.none, of: "verdicts") }),
    Fault(
      name: "no broker can be reached", says: "_TRANSPORT", seconds: 3,
      begin: { cluster in for broker in brokers { try cluster.setBroker(broker, isUp: false) } },
      end: { cluster in for broker in brokers { try cluster.setBroker(broker, isUp: true) } }),
  ]

  private let cluster: MockCluster
  private let producer: KafkaProducer

  init() throws {
    cluster = try MockCluster(brokers: Self.brokers.count)
    for topic in ["in", "verdicts", "dead"] {
      try cluster.createTopic(topic, partitions: 1, replicationFactor: Self.brokers.count)
    }
    producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
  }

  /// The keys of all outputs so far.
  private func decided() throws -> Set<[UInt8]> {
    let reader = try TopicReader(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers), topics: ["verdicts", "dead"],
      from: .beginning, timeout: .seconds(20))
    var keys: Set<[UInt8]> = []
    try reader.readAll(idleMax: .seconds(20)) { keys.formUnion($0.compactMap(\.key)) }
    return keys
  }

  private var settings: String {
    """
    kafka:
      bootstrap_servers: "\(cluster.bootstrapServers)"
      group_id: faulted
      transactional_id: faulted-1
      consumer_properties: {session.timeout.ms: 6000, heartbeat.interval.ms: 500}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(GoldenCase.url("v3-style").path), poll_seconds: 0}
    engine: {threads: 1}
    telemetry: {listen: none}
    """
  }

  /// Hands exchanges to the producer, which delivers them when it can.
  private func send(_ numbers: Range<Int>) throws {
    try producer.send(
      numbers.map { number in
        OutputRecord(
          topic: "in", partition: Partition(0), key: Array("\(number)".utf8),
          value: Array(#"{"id": "\#(number)", "prompt": "How are you?"}"#.utf8))
      }, timeout: .seconds(60))
  }

  @Test func theDaemonGoesOnByItself() throws {
    let daemon = try DaemonProcess(settings: settings)
    var sent = 0
    for fault in Self.faults {
      let known = daemon.log.count
      try send(sent..<sent + 10)
      try producer.flush(timeout: .seconds(60))
      try fault.begin(cluster)
      try send(sent + 10..<sent + 20)
      usleep(UInt32(fault.seconds * 1_000_000))  // sleeps: the fault lasts that long
      try fault.end(cluster)
      try send(sent + 20..<sent + 30)
      try producer.flush(timeout: .seconds(60))
      sent += 30
      var seen = 0
      let isDecided = comesAbout {
        seen = (try? decided().count) ?? seen
        return seen >= sent
      }
      let said = String(daemon.log.dropFirst(known))
      #expect(isDecided, "\(fault.name): \(seen) of \(sent) decided; \(said)")
      #expect(daemon.process.isRunning, "\(fault.name): \(said)")
      if let words = fault.says { #expect(said.contains(words), "\(fault.name): \(said)") }
      if !isDecided || !daemon.process.isRunning { return }
    }
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }
}
