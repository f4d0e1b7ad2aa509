import Kafka
import Records
import Testing

@Suite(.ownThread) struct RoundTripTests {
  @Test func keysPayloadsAndHeadersComeBackAsTheyWereSent() throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 1)
    let zero = Partition(0)
    let sent = [
      OutputRecord(topic: topic, partition: zero, key: [1, 0, 2], value: [0, 255, 10]),
      OutputRecord(topic: topic, partition: zero, key: nil, value: [7]),
      OutputRecord(topic: topic, partition: zero, key: [9], value: nil),
      OutputRecord(topic: topic, partition: zero, key: [], value: []),
      OutputRecord(
        topic: topic, partition: zero, key: [3], value: [4],
        headers: [
          Header("trace", "a"), Header("other", ""), Header("trace", "b"),
          Header(name: "absent", value: nil), Header(name: "bytes", value: [0, 1, 0]),
        ], timestampMilliseconds: 1_700_000_000_123),
    ]
    let producer = try cluster.makeProducer()
    try producer.send(sent, timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    #expect(producer.deliveryFailures.isEmpty)

    let received = try read(sent.count, from: cluster.makeConsumer(of: [topic]))
    #expect(received.map(\.key) == sent.map(\.key))
    #expect(received.map(\.value) == sent.map(\.value))
    #expect(received.map(\.headers) == sent.map(\.headers))
    #expect(received.map(\.source.offset) == (0..<5).map { Offset($0) })
    #expect(received.allSatisfy { $0.source.topic == topic && $0.timestampMilliseconds > 0 })
    #expect(
      received.map { $0.timestampMilliseconds == 1_700_000_000_123 }
        == [false, false, false, false, true])
  }

  @Test func eachPartitionKeepsTheOrderOfSending() throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 3)
    let producer = try cluster.makeProducer(["linger.ms": "1"])
    let sent = (0..<3_000).map { numbered($0, topic: topic, partition: Int32($0 % 3)) }
    try producer.send(sent, timeout: .seconds(20))
    try producer.flush(timeout: .seconds(20))

    let received = try read(sent.count, from: cluster.makeConsumer(of: [topic]))
    for partition in 0..<3 {
      let numbers = received.filter { $0.source.partition == Partition(Int32(partition)) }
        .compactMap(\.text)
      #expect(numbers == (0..<1_000).map { "\($0 * 3 + partition)" })
    }
  }

  /// The hashes are those of Java's client, `Utils.murmur2`, in its own tests.
  @Test(arguments: [("21", -973_932_308), ("foobar", -790_332_482)] as [(String, Int32)])
  func aKeyGoesToThePartitionThatJavaWouldChoose(key: String, hash: Int32) throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 4)
    let producer = try cluster.makeProducer()
    let record = OutputRecord(topic: topic, partition: nil, key: Array(key.utf8), value: [1])
    try producer.send([record, record], timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))

    let received = try read(2, from: cluster.makeConsumer(of: [topic]))
    let expected = Partition((hash & .max) % 4)
    #expect(received.allSatisfy { $0.source.partition == expected })
  }

  @Test func aFullQueueIsWaitedFor() throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 1)
    let producer = try cluster.makeProducer(["queue.buffering.max.messages": "10"])
    try producer.send((0..<200).map { numbered($0, topic: topic) }, timeout: .seconds(20))
    try producer.flush(timeout: .seconds(20))
    let received = try read(200, from: cluster.makeConsumer(of: [topic]))
    #expect(received.compactMap(\.text) == (0..<200).map { "\($0)" })
  }

  @Test func aQueueThatStaysFullIsARetriableErrorOfItsRecord() throws {
    let mock = try MockCluster()
    try mock.setBroker(1, isUp: false)
    let producer = try KafkaProducer(
      KafkaConfiguration([
        "bootstrap.servers": mock.bootstrapServers, "queue.buffering.max.messages": "10",
      ]))
    let records = (0..<20).map { numbered($0, topic: "anything") }
    let failure = try #require(throws: SendFailure.self) {
      try producer.send(records, timeout: .milliseconds(50))
    }
    #expect(failure.index == 10)
    #expect(failure.error.code == .queueFull)
    #expect(failure.error.disposition == .retriable)
  }
}
