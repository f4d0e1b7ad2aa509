import Kafka
import Records
import Testing
import Transport

@Suite(.ownThread) struct HoldingTests {
  private let cluster: TestCluster
  private let topic: String
  private let producer: KafkaProducer

  init() throws {
    cluster = try TestCluster()
    topic = try cluster.makeTopic(partitions: 2)
    producer = try cluster.makeProducer()
  }

  private func partition(_ number: Int32) -> TopicPartition {
    TopicPartition(topic: topic, partition: Partition(number))
  }

  private func send(_ numbers: Range<Int>) throws {
    try producer.send(
      numbers.map { numbered($0, topic: topic, partition: Int32($0 % 2)) }, timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
  }

  /// Nothing more comes for a while.
  private func expectSilence(of consumer: KafkaConsumer) throws {
    var others: [InputRecord] = []
    try consumer.poll(into: &others, max: 100, timeout: .milliseconds(200)) { _ in }
    #expect(others.isEmpty)
  }

  /// Each partition's payloads must be its numbers in order: nothing lost, nothing twice.
  private func expectAll(_ count: Int, in records: [InputRecord]) {
    for number in 0..<2 {
      let texts = records.filter { $0.source.partition == Partition(Int32(number)) }
        .compactMap(\.text)
      #expect(texts == stride(from: number, to: count, by: 2).map { "\($0)" })
    }
  }

  @Test func holdingLosesAndRepeatsNothing() throws {
    try send(0..<4_000)
    let consumer = try cluster.makeConsumer(of: [topic], ["fetch.message.max.bytes": "2000"])
    var records: [InputRecord] = []
    try poll(consumer, into: &records) { !$0.isEmpty }
    var round = 0
    try poll(consumer, into: &records) { records in
      // In turns one, the other, both or none.
      round += 1
      if round % 3 == 0 { consumer.hold { $0 == partition(Int32(round / 3 % 2)) } }
      if round % 7 == 0 { consumer.hold { _ in true } }
      if round % 2 == 0 { consumer.hold { _ in false } }
      return records.count >= 4_000
    }
    expectAll(4_000, in: records)
  }

  @Test func aHeldPartitionIsSilentAndTheOtherGoesOn() throws {
    let consumer = try cluster.makeConsumer(of: [topic])
    var records: [InputRecord] = []
    try send(0..<2)
    try poll(consumer, into: &records) { $0.count == 2 }
    consumer.hold { $0 == partition(0) }
    try send(2..<1_002)
    try poll(consumer, into: &records) { $0.count == 502 }
    #expect(records.dropFirst(2).allSatisfy { $0.source.partition == Partition(1) })
    try expectSilence(of: consumer)
    consumer.hold { _ in false }
    try poll(consumer, into: &records) { $0.count >= 1_002 }
    expectAll(1_002, in: records)
  }

  @Test func holdingInTheHandlerKeepsNewPartitionsBackFromTheStart() throws {
    try send(0..<10)
    let consumer = try cluster.makeConsumer(of: [topic])
    var records: [InputRecord] = []
    try poll(
      consumer, into: &records,
      onChange: { event in
        if case .assigned(let partitions) = event {
          consumer.hold { $0 == partitions[0] }
        }
      },
      until: { $0.count == 5 })
    #expect(Set(records.map(\.source.topicPartition)).count == 1)
    try expectSilence(of: consumer)
    consumer.hold { _ in false }
    try poll(consumer, into: &records) { $0.count >= 10 }
    expectAll(10, in: records)
  }

  @Test(arguments: ["range", "cooperative-sticky"])
  func aHoldEndsWithTheAssignment(strategy: String) throws {
    let group = uniqueName("group")
    let properties: KeyValuePairs = ["partition.assignment.strategy": strategy]
    let consumer = try cluster.makeConsumer(of: [topic], group: group, properties)
    var owned: Set<TopicPartition> = []
    var records: [InputRecord] = []
    func note(_ event: AssignmentChange) {
      switch event {
      case .assigned(let partitions): owned.formUnion(partitions)
      case .revoked(let partitions), .lost(let partitions): owned.subtract(partitions)
      }
    }
    try poll(consumer, into: &records, onChange: note) { _ in owned.count == 2 }
    consumer.hold { _ in true }

    let other = try cluster.makeConsumer(of: [topic], group: group, properties)
    var others: [InputRecord] = []
    var isShared = false
    let end = ContinuousClock.now + .seconds(40)
    while !isShared, ContinuousClock.now < end {
      try consumer.poll(
        into: &records, max: 10, timeout: .milliseconds(20), onChange: note)
      try other.poll(into: &others, max: 10, timeout: .milliseconds(20)) { _ in }
      isShared = try owned.count == 1 && other.assignment().count == 1
    }
    #expect(try other.close(timeout: .seconds(10)) { _ in })
    try poll(consumer, into: &records, onChange: note) { _ in owned.count == 2 }
    // An eager rebalance takes every partition away, so no hold outlives it; a cooperative one
    // leaves the partition that stays as it was.
    try send(0..<100)
    let isCooperative = strategy == "cooperative-sticky"
    try poll(consumer, into: &records, onChange: note) { $0.count >= (isCooperative ? 50 : 100) }
    if isCooperative {
      #expect(Set(records.map(\.source.partition)).count == 1)
      try expectSilence(of: consumer)
    }
    consumer.hold { _ in false }
    try poll(consumer, into: &records, onChange: note) { $0.count >= 100 }
    expectAll(100, in: records)
  }
}
