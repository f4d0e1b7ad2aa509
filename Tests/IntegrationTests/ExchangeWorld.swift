import Foundation
import Glibc
import Kafka
import Records
import TestSupport
import Testing
import Wire

/// A broker process with exchanges in its input topic, and what a daemon makes of them.
struct ExchangeWorld {
  private static let partitionCount = 3

  let broker: NoidaBroker
  /// Exchanges in the input topic, a multiple of three.
  let count: Int
  /// Words of each prompt beside a question: what keeps a daemon busy for some seconds.
  private let words: Int

  /// Starts a broker, which whoever asked has to stop.
  init(count: Int, words: Int = 0) throws {
    broker = try NoidaBroker()
    self.count = count
    self.words = words
    try makeTopics()
    try sendExchanges()
  }

  func makeTopics() throws {
    let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: broker.bootstrapServers))
    try admin.createTopics(
      ["in", "verdicts", "dead"].map {
        KafkaAdmin.NewTopic($0, partitionCount: Self.partitionCount)
      }, timeout: .seconds(20))
  }

  func sendExchanges() throws {
    let producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: broker.bootstrapServers))
    let rest = String(repeating: " word", count: words)
    let records = (0..<count).map { number in
      let prompt = "How are you, number \(number)?\(rest)"
      return OutputRecord(
        topic: "in", partition: Partition(Int32(number % Self.partitionCount)),
        key: Array("key-\(number)".utf8),
        value: Array(#"{"id": "\#(number)", "prompt": "\#(prompt)"}"#.utf8))
    }
    try producer.send(records, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  var settings: String { settings(reaching: broker.bootstrapServers) }

  /// Settings of a daemon that reaches the broker at this address.
  func settings(reaching bootstrapServers: String) -> String {
    """
    kafka:
      bootstrap_servers: \(bootstrapServers)
      group_instance_id: filter-1
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(SourceTree.url("Tests/Fixtures/guard-tiny").path)}
    batch: {records_max: 16}
    telemetry: {listen: none}
    """
  }

  func reader(isolation: String) throws -> KafkaConsumer {
    let consumer = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": broker.bootstrapServers,
        "group.id": "test-\(UInt32.random(in: 0 ... .max))",
        "auto.offset.reset": "earliest", "isolation.level": isolation,
      ]))
    try consumer.subscribe(to: ["verdicts", "dead"])
    return consumer
  }

  struct TimeIsUp: Error {
    let recordsSeen: Int
  }

  func poll(
    _ consumer: KafkaConsumer, into records: inout [InputRecord],
    until isEnough: ([InputRecord]) -> Bool
  ) throws {
    let end = ContinuousClock.now + .seconds(90)
    while !isEnough(records) {
      if ContinuousClock.now > end { throw TimeIsUp(recordsSeen: records.count) }
      try consumer.poll(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
    }
  }

  func poll(
    _ consumer: KafkaConsumer, into records: inout [InputRecord], while duration: Duration
  ) throws {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end {
      try consumer.poll(into: &records, max: 500, timeout: .milliseconds(10)) { _ in }
    }
  }

  /// All committed outputs, from the beginning, once there are `count`.
  ///
  /// A reader that meets noida-db's open transaction may stop there for good, while a new one sees
  /// everything: so this looks with new readers until all is there.
  func readCommitted() throws -> [InputRecord] {
    let end = ContinuousClock.now + .seconds(120)
    while true {
      let consumer = try reader(isolation: "read_committed")
      var records: [InputRecord] = []
      try poll(consumer, into: &records, while: .seconds(5))
      if records.count >= count { return records }
      if ContinuousClock.now > end { throw TimeIsUp(recordsSeen: records.count) }
    }
  }

  /// Each exchange has one verdict, in input order, on the partition it came from.
  func check(_ outputs: [InputRecord]) throws {
    var decoder = VerdictDecoder()
    var offsets: [Partition: [Int64]] = [:]
    var models: Set<String> = []
    for output in outputs {
      let verdict = try decoder.decode(output.value ?? [], as: .json)
      let source = try #require(verdict.source)
      #expect(source.partition == output.source.partition)
      #expect(output.key == Array("key-\(verdict.id)".utf8))
      #expect(output.headers.text(of: "sluice-action") == verdict.action.rawValue)
      offsets[source.partition, default: []].append(source.offset.rawValue)
      models.insert(verdict.model)
    }
    #expect(offsets.count == Self.partitionCount)
    for (partition, offsets) in offsets {
      let count = count / Self.partitionCount
      #expect(offsets == Array(0..<Int64(count)), "lost, repeated or reordered in \(partition)")
    }
    #expect(models.count == 1)
  }
}
