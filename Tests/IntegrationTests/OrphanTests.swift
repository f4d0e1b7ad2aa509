import Foundation
import Glibc
import Kafka
import Records
import TestSupport
import Testing
import Threading

/// The fault that leaves partitions to nobody, on the cluster at `KAFKA_BOOTSTRAP`: the one owner of
/// all is killed right after two others joined, with cooperative assignment and static members.
/// Only Apache Kafka has shown it.
@Suite(.enabled(if: NoidaBroker.externalBootstrapServers != nil), .serialized) struct OrphanTests {
  private static let partitionCount = 6
  private static let recordCount = 6_000

  private let servers = NoidaBroker.externalBootstrapServers ?? ""
  private let name = "sluice-orphans-\(UUID().uuidString.prefix(8))"

  private func settings(_ instance: String) -> String {
    """
    kafka:
      bootstrap_servers: "\(servers)"
      group_id: \(name)
      group_instance_id: \(instance)
      consumer_properties: {partition.assignment.strategy: cooperative-sticky}
    topics: {input: \(name), verdicts: \(name)-verdicts, dead_letters: \(name)-dead}
    model: {path: \(SourceTree.url("Tests/Fixtures/guard-tiny").path)}
    telemetry: {listen: none}
    """
  }

  private func fill(_ admin: KafkaAdmin) throws {
    try admin.createTopics(
      [name, "\(name)-verdicts", "\(name)-dead"].map {
        KafkaAdmin.NewTopic($0, partitionCount: Self.partitionCount)
      }, timeout: .seconds(30))
    let producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: servers))
    let records = (0..<Self.recordCount).map { number in
      OutputRecord(
        topic: name, partition: Partition(Int32(number % Self.partitionCount)), key: nil,
        value: Array(#"{"id": "\#(number)", "prompt": "How are you, number \#(number)?"}"#.utf8))
    }
    try producer.send(records, timeout: .seconds(60))
    try producer.flush(timeout: .seconds(60))
  }

  @Test func whatTheGroupForgetsHasAnOwnerAgain() throws {
    let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: servers))
    try fill(admin)
    let first = try DaemonProcess(settings: settings("one"))
    let others = Monitor<[Result<DaemonProcess, any Error>]>([])
    for instance in ["two", "three"] {
      _ = BlockingThread(name: instance) {
        let daemon = Result { try DaemonProcess(settings: settings(instance)) }
        others.update { $0.append(daemon) }
      }
    }
    usleep(2_500_000)  // sleeps: the moment is the fault, between two rebalances
    first.process.kill()
    let again = try DaemonProcess(settings: settings("one"))
    let daemons = try others.wait { $0.count == 2 ? .done($0) : .sleep(atMost: nil) }
      .map { try $0.get() }
    let isMended = comesAbout(within: .seconds(180)) {
      guard let group = try? admin.group(name, timeout: .seconds(10)) else { return false }
      let owned = group.members.reduce(into: Set<TopicPartition>()) {
        $0.formUnion($1.partitions ?? [])
      }
      return group.isStable && owned.count == Self.partitionCount
    }
    #expect(isMended, "\(again.log)")
    for daemon in daemons + [again] {
      #expect(daemon.process.stop(within: .seconds(40)) == .exited(0), "\(daemon.log)")
    }
  }
}
