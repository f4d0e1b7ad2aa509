import Kafka
import Records
import Testing

@Suite(.ownThread) struct PositionTests {
  @Test func positionsCommittedOffsetsAndLagAreTold() throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 1)
    let partition = TopicPartition(topic: topic, partition: Partition(0))
    let producer = try cluster.makeProducer()
    try producer.send((0..<10).map { numbered($0, topic: topic) }, timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    let group = uniqueName("group")

    let consumer = try cluster.makeConsumer(of: [topic], group: group)
    #expect(consumer.watermarks(of: partition) == nil)
    _ = try read(10, from: consumer)
    #expect(try consumer.position(of: [partition]) == [partition: Offset(10)])
    #expect(consumer.watermarks(of: partition)?.high == Offset(10))
    #expect(try consumer.committed([partition], timeout: .seconds(10)).isEmpty)
    try consumer.commit([partition: Offset(7)], timeout: .seconds(10))
    try consumer.commit([:], timeout: .seconds(10))
    #expect(try consumer.close(timeout: .seconds(10)) { _ in })

    let next = try cluster.makeConsumer(of: [topic], group: group)
    let rest = try read(3, from: next)
    #expect(rest.map(\.source.offset) == [Offset(7), Offset(8), Offset(9)])
    try next.seek(to: [partition: Offset(2)], timeout: .seconds(10))
    #expect(try read(8, from: next).first?.source.offset == Offset(2))
  }

  @Test func aCommitIsBounded() throws {
    let cluster = try TestCluster(mockOnly: true)
    let mock = try #require(cluster.mock)
    let consumer = try cluster.makeConsumer(of: [])
    try mock.setBroker(1, isUp: false)
    let partition = TopicPartition(topic: "t", partition: Partition(0))
    let start = ContinuousClock.now
    let error = try #require(throws: KafkaError.self) {
      try consumer.commit([partition: Offset(1)], timeout: .milliseconds(300))
    }
    #expect(error.disposition == .retriable)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test func aMissingTopicIsReportedAndReadOnceItExists() throws {
    let cluster = try TestCluster(mockOnly: true)
    let mock = try #require(cluster.mock)
    let topic = try cluster.makeTopic(partitions: 1)
    let admin = try KafkaAdmin(cluster.configuration())
    #expect(try admin.partitionCount(of: topic, timeout: .seconds(10)) == 1)
    #expect(try admin.topics(timeout: .seconds(10)).contains { $0.name == topic })
    mock.failNext(.fetch, with: [.unknownTopicOrPartition, .unknownTopicOrPartition])
    let producer = try cluster.makeProducer()
    try producer.send([numbered(1, topic: topic)], timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    #expect(try read(1, from: cluster.makeConsumer(of: [topic])).count == 1)
  }
}
