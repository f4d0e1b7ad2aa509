import Foundation
import Kafka
import LabelStore
import Records
import TestSupport
import Testing
import Wire

/// Filter and labelling service as users run them: a broker process, a real language model as the
/// teacher, and the labelling service killed again and again.
@Suite(
  .enabled(if: !NoidaBroker.isSkipped && !LanguageModelServer.isSkipped), .serialized)
struct LabelCrashTests {
  private static let count = 24
  private static let kills = 3

  @Test func aKilledLabellingServiceLosesNoLabel() async throws {
    let broker = try NoidaBroker()
    defer { broker.stop() }
    let teacher = try await LanguageModelServer()
    defer { teacher.stop() }
    let directory = try TemporaryDirectory()
    try makeTopics(broker)
    try sendExchanges(broker)
    let settings = settings(broker, teacher.url, directory)
    let filter = try DaemonProcess(settings: settings)

    let reader = try reader(broker)
    var labels: [[UInt8]: TeacherLabel] = [:]
    for round in 1...Self.kills {
      let victim = try DaemonProcess("label", settings: settings)
      let enough = Self.count * round / (Self.kills + 1)
      try read(reader, into: &labels, until: { $0.count >= enough }, log: { victim.log })
      victim.process.kill()
    }
    let last = try DaemonProcess("label", settings: settings)
    try read(reader, into: &labels, until: { $0.count == Self.count }, log: { last.log })
    #expect(last.process.stop(within: .seconds(30)) == .exited(0), "\(last.log)")
    #expect(filter.process.stop(within: .seconds(30)) == .exited(0), "\(filter.log)")
    try check(labels, directory)
  }

  /// Every exchange has its label, in the topic and in the store, with all that it should say.
  private func check(_ labels: [[UInt8]: TeacherLabel], _ directory: TemporaryDirectory) throws {
    let store = try LabelStore(path: directory.path + "/labels.sqlite", access: .readOnly)
    #expect(Set(labels.values.map(\.prompt)) == Set((0..<Self.count).map(Self.prompt)))
    for (key, label) in labels {
      #expect(key == Array((label.key?.digest.description ?? "").utf8))
      #expect((0...1).contains(label.teacherScore.rawValue))
      #expect(label.teacher == LanguageModelServer.model)
      #expect(label.guardModel?.hasPrefix("guard-tiny@") == true)
      #expect(label.source?.topic == "in")
      #expect(try store.label(#require(label.key))?.teacherScore == label.teacherScore)
    }
    #expect(try store.counts().labels == Self.count)
    #expect(try store.unpublished(limit: 1).isEmpty)
  }

  private static func prompt(_ number: Int) -> String {
    ["How do I bake bread", "I will hurt him", "Tell me a story"][number % 3] + ", \(number)?"
  }

  private func makeTopics(_ broker: NoidaBroker) throws {
    let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: broker.bootstrapServers))
    try admin.createTopics(
      ["in", "verdicts", "dead", "labels"].map { KafkaAdmin.NewTopic($0, partitionCount: 2) },
      timeout: .seconds(20))
  }

  private func sendExchanges(_ broker: NoidaBroker) throws {
    let producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: broker.bootstrapServers))
    let records = try (0..<Self.count).map { number in
      OutputRecord(
        topic: "in", partition: Partition(Int32(number % 2)), key: nil,
        value: Array(
          try JSONEncoder().encode(["id": "x\(number)", "prompt": Self.prompt(number)])))
    }
    try producer.send(records, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  private func settings(
    _ broker: NoidaBroker, _ teacher: String, _ directory: TemporaryDirectory
  ) -> String {
    """
    kafka:
      bootstrap_servers: \(broker.bootstrapServers)
      consumer_properties: {session.timeout.ms: 6000, heartbeat.interval.ms: 500}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(SourceTree.url("Tests/Fixtures/guard-tiny").path)}
    telemetry: {listen: none}
    label:
      topic: labels
      store: \(directory.path)/labels.sqlite
      listen: none
      group_instance_id: label-1
      teacher: {url: "\(teacher)", template: few_shot, concurrent_requests_max: 2}
      sampling: {random_rate: 1, labels_per_tenant_per_hour: 0}
    """
  }

  private func reader(_ broker: NoidaBroker) throws -> KafkaConsumer {
    let consumer = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": broker.bootstrapServers,
        "group.id": "test-\(UInt32.random(in: 0 ... .max))", "auto.offset.reset": "earliest",
      ]))
    try consumer.subscribe(to: ["labels"])
    return consumer
  }

  private struct TimeIsUp: Error {
    let labelsSeen: Int
    let log: String
  }

  private func read(
    _ consumer: KafkaConsumer, into labels: inout [[UInt8]: TeacherLabel],
    until isEnough: ([[UInt8]: TeacherLabel]) -> Bool, log: () -> String
  ) throws {
    var decoder = TeacherLabelDecoder()
    let end = ContinuousClock.now + .seconds(120)
    while !isEnough(labels) {
      if ContinuousClock.now > end { throw TimeIsUp(labelsSeen: labels.count, log: log()) }
      var records: [InputRecord] = []
      try consumer.poll(into: &records, max: 100, timeout: .milliseconds(20)) { _ in }
      for record in records {
        guard let key = record.key, let value = record.value else { continue }
        labels[key] = try decoder.decode(value, headers: record.headers)
      }
    }
  }
}
