import Basics
import Glibc
import Kafka
import Records
import TestSupport
import Testing
import Transport

/// Exactly once against a broker that keeps the promises of transactions.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .broker, .ownThread) struct BrokerTests {
  private let cluster: TestCluster
  private let inputs: String
  private let outputs: String

  init() throws {
    cluster = TestCluster(bootstrapServers: BrokerTrait.bootstrapServers)
    inputs = try cluster.makeTopic(partitions: 2)
    outputs = try cluster.makeTopic(partitions: 1)
  }

  private var input: TopicPartition { TopicPartition(topic: inputs, partition: Partition(0)) }

  private func records(_ numbers: Range<Int>) -> [OutputRecord] {
    numbers.map { numbered($0, topic: outputs) }
  }

  private func committed(in group: String) throws -> [TopicPartition: Offset] {
    try cluster.makeConsumer(of: [], group: group).committed([input], timeout: .seconds(20))
  }

  @Test func abortedRecordsAreInvisibleAndTheirOffsetsDropped() throws {
    let group = uniqueName("group")
    let member = try cluster.makeConsumer(of: [], group: group)
    let identifier = uniqueName("producer")
    let producer = try cluster.makeTransactionalProducer(identifier: identifier)

    try producer.beginTransaction()
    try producer.send(records(0..<5), timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    try producer.sendOffsets(
      [input: Offset(5)], group: member.groupMetadata(), timeout: .seconds(10))
    // The next producer of that name ends what was left open.
    let publisher = try cluster.makePublisher(for: member, identifier: identifier)
    #expect(try committed(in: group).isEmpty)

    try publisher.publish(
      records(5..<8), offsets: [input: Offset(8)], as: member.groupMetadata())
    #expect(try committed(in: group) == [input: Offset(8)])
    let received = try read(3, from: cluster.makeConsumer(of: [outputs]))
    #expect(received.compactMap(\.text) == ["5", "6", "7"])
  }

  @Test func anOpenTransactionIsInvisibleUntilItsCommit() throws {
    let producer = try cluster.makeTransactionalProducer()
    try producer.beginTransaction()
    try producer.send(records(0..<2), timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    let reader = try cluster.makeConsumer(of: [outputs])
    var received: [InputRecord] = []
    var polls = 0
    var owned = 0
    try poll(
      reader, into: &received,
      onChange: { if case .assigned(let partitions) = $0 { owned += partitions.count } },
      until: { _ in
        if owned > 0 { polls += 1 }
        return polls > 10
      })
    #expect(received.isEmpty)
    try producer.commitTransaction(timeout: .seconds(10))
    try poll(reader, into: &received) { $0.count >= 2 }
    #expect(received.compactMap(\.text) == ["0", "1"])
  }

  @Test func aZombieIsFencedAndHasToLeave() throws {
    let group = uniqueName("group")
    let identifier = uniqueName("producer")
    let member = try cluster.makeConsumer(of: [], group: group)
    let zombie = try cluster.makeTransactionalProducer(identifier: identifier)
    let old = try TransactionalPublisher(
      timeout: .seconds(20), makeProducer: { (_) throws(KafkaError) in zombie },
      committedOffsets: { (_, _) throws(KafkaError) in [:] })
    try old.publish(records(0..<1), offsets: [input: Offset(1)], as: member.groupMetadata())
    // A transaction that the successor has to end before it begins its own.
    try zombie.beginTransaction()
    try zombie.send(records(1..<2), timeout: .seconds(10))
    try zombie.flush(timeout: .seconds(10))

    let successor = try cluster.makePublisher(for: member, identifier: identifier)
    try successor.publish(records(2..<3), offsets: [input: Offset(2)], as: member.groupMetadata())
    let error = try #require(throws: KafkaError.self) {
      try zombie.commitTransaction(timeout: .seconds(20))
    }
    #expect(error.disposition == .fatal)
    let failure = try #require(throws: PublishFailure<KafkaError>.self) {
      try old.publish(records(3..<4), offsets: [input: Offset(3)], as: member.groupMetadata())
    }
    guard case .fatal = failure else {
      Issue.record("\(failure)")
      return
    }
    #expect(try committed(in: group) == [input: Offset(2)])
    let received = try read(2, from: cluster.makeConsumer(of: [outputs]))
    #expect(received.compactMap(\.text) == ["0", "2"])
  }

  /// Reads, publishes one output for each input, and goes away without a word in the middle, three
  /// times. The static member takes its place again at once.
  @Test func workersThatVanishLoseAndRepeatNothing() throws {
    let count = 3_000
    let producer = try cluster.makeProducer()
    try producer.send(
      (0..<count).map { numbered($0, topic: inputs, partition: Int32($0 % 2)) },
      timeout: .seconds(20))
    try producer.flush(timeout: .seconds(20))
    let group = uniqueName("group")
    let identifier = uniqueName("producer")
    var published = 0
    for goal in [1_000, 2_000, count] {
      try work(as: group, identifier, published: &published, until: goal)
    }
    let received = try read(count, from: cluster.makeConsumer(of: [outputs]))
    #expect(received.count == count)
    #expect(Set(received.compactMap(\.text)) == Set((0..<count).map { "\($0)" }))
  }

  private func work(
    as group: String, _ identifier: String, published: inout Int, until goal: Int
  ) throws {
    let consumer = try cluster.makeConsumer(
      of: [inputs], group: group, ["group.instance.id": "worker"])
    let publisher = try cluster.makePublisher(for: consumer, identifier: identifier)
    let end = ContinuousClock.now + .seconds(60)
    while true {
      if ContinuousClock.now > end { throw TimeIsUp() }
      var batch: [InputRecord] = []
      try consumer.poll(into: &batch, max: 150, timeout: .milliseconds(50)) { _ in }
      // What was read last is not published by this worker, but by the next.
      if published >= goal { return }
      if batch.isEmpty { continue }
      var offsets: [TopicPartition: Offset] = [:]
      for record in batch { offsets[record.source.topicPartition] = record.source.offset.next }
      let results = batch.map {
        OutputRecord(topic: outputs, partition: Partition(0), key: $0.key, value: $0.value)
      }
      try publisher.publish(results, offsets: offsets, as: consumer.groupMetadata())
      published += batch.count
    }
  }

  @Test func topicsAreCreatedOnceAndTold() throws {
    let admin = try KafkaAdmin(cluster.configuration())
    let topic = uniqueName("made")
    #expect(try admin.partitionCount(of: topic, timeout: .seconds(10)) == nil)
    let request = KafkaAdmin.NewTopic(
      topic, partitionCount: 3, properties: ["cleanup.policy": "delete"])
    try admin.createTopics([request], timeout: .seconds(20))
    try admin.createTopics([request], timeout: .seconds(20))
    #expect(try admin.partitionCount(of: topic, timeout: .seconds(10)) == 3)
    #expect(
      try admin.topics(timeout: .seconds(10)).contains {
        $0.name == topic && $0.partitionCount == 3
      }
    )
  }

  @Test func aTopicReaderEndsBehindMarksOfTransactionsAndBeginsAtATime() throws {
    let member = try cluster.makeConsumer(of: [], group: uniqueName("group"))
    let publisher = try cluster.makePublisher(for: member)
    try publisher.publish(records(0..<4), offsets: [:], as: member.groupMetadata())
    let all = try readAll(from: .beginning)
    let first = try #require(all.last)
    #expect(all.compactMap(\.text) == ["0", "1", "2", "3"])
    // The later records' timestamps must be larger.
    while WallClock.milliseconds() <= first.timestampMilliseconds {}
    let middle = WallClock.milliseconds()
    try publisher.publish(records(4..<6), offsets: [:], as: member.groupMetadata())
    #expect(try readAll(from: .time(milliseconds: middle)).compactMap(\.text) == ["4", "5"])
    #expect(try readAll(from: .time(milliseconds: middle + 3_600_000)).isEmpty)
  }

  private func readAll(from start: TopicReader.Start) throws -> [InputRecord] {
    let reader = try TopicReader(
      cluster.configuration(), topics: [outputs], from: start, timeout: .seconds(10))
    var received: [InputRecord] = []
    try reader.readAll(idleMax: .seconds(20)) { received += $0 }
    return received
  }
}
