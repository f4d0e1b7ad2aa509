import Hosting
import Kafka
import Logging
import Records
import Settings
import TestSupport
import Testing
import Threading
import Transport

/// A group on a broker process, or the cluster at `KAFKA_BOOTSTRAP`, in which nobody reads one of the
/// topics.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct OwnershipWatchTests {
  @Test func theGroupIsMadeToAssignAnew() throws {
    let address = NoidaBroker.externalBootstrapServers
    let broker = address == nil ? try NoidaBroker() : nil
    defer { broker?.stop() }
    let servers = address ?? broker?.bootstrapServers ?? ""
    let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: servers))
    try admin.createTopics(
      ["in", "orphaned", "verdicts", "dead"].map { KafkaAdmin.NewTopic($0, partitionCount: 2) },
      timeout: .seconds(20))
    let settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: "\(servers)", group_id: watched}
        topics: {input: [in, orphaned], verdicts: verdicts, dead_letters: dead}
        model: {path: none}
        """, file: "sluice.yaml")
    let clients = try KafkaClients(settings: settings, environment: [:])
    let consumer = try clients.makeConsumer(of: ["in"], neverReading: [])
    try consumer.subscribe(to: ["in"])
    let watch = OwnershipWatch(
      of: ["in", "orphaned"], in: "watched", clients: clients, logger: Logger(label: "test"),
      interval: .milliseconds(500), memberIdentifier: { consumer.memberIdentifier })
    let thread = BlockingThread(name: "watch") { watch.run() }
    defer {
      watch.stop()
      thread.join()
    }
    var changes: [AssignmentChange] = []
    var wasIncomplete = false
    let end = ContinuousClock.now + .seconds(60)
    while changes.count(where: \.isAssignment) < 3, ContinuousClock.now < end {
      var records: [InputRecord] = []
      try consumer.poll(into: &records, max: 1, timeout: .milliseconds(50)) { changes.append($0) }
      wasIncomplete = wasIncomplete || !watch.orphans.isEmpty
    }
    // Its own share, a smaller one beside the visitor, and its own again.
    #expect(changes.count(where: \.isAssignment) >= 3, "\(changes)")
    #expect(wasIncomplete)
    let group = try admin.group("watched", timeout: .seconds(10))
    #expect(group.members.count == 1)
    #expect(try consumer.close(timeout: .seconds(10)) { _ in })
  }
}

extension AssignmentChange {
  fileprivate var isAssignment: Bool {
    if case .assigned(let partitions) = self { !partitions.isEmpty } else { false }
  }
}
