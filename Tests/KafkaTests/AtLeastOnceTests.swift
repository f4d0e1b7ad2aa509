import Kafka
import Records
import Testing
import Transport

@Suite(.ownThread) struct AtLeastOnceTests {
  @Test func offsetsAreCommittedAfterTheRecords() throws {
    let cluster = try TestCluster()
    let inputs = try cluster.makeTopic(partitions: 1)
    let outputs = try cluster.makeTopic(partitions: 1)
    let producer = try cluster.makeProducer()
    try producer.send((0..<10).map { numbered($0, topic: inputs) }, timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))

    let consumer = try cluster.makeConsumer(of: [inputs])
    let received = try read(10, from: consumer)
    let partition = received[0].source.topicPartition
    let publisher = AtLeastOncePublisher(
      producer: producer, consumer: consumer, timeout: .seconds(10))
    try publisher.publish(
      (0..<6).map { numbered($0, topic: outputs) }, offsets: [partition: Offset(6)],
      as: consumer.groupMetadata())
    #expect(
      try consumer.committed([partition], timeout: .seconds(10)) == [partition: Offset(6)])
    #expect(try read(6, from: cluster.makeConsumer(of: [outputs])).count == 6)
  }

  @Test func aRefusedRecordIsNamedAndNothingIsCommitted() throws {
    let cluster = try TestCluster(mockOnly: true)
    let mock = try #require(cluster.mock)
    let topic = try cluster.makeTopic(partitions: 1)
    // Only a flush ends this wait: however slow the machine, one request takes all three records.
    // A first record lets the producer learn of the partition. Records that wait to learn it are
    // moved there one by one, and a flush takes those that have arrived.
    let producer = try cluster.makeProducer(["linger.ms": "30000"])
    try producer.send([numbered(9, topic: topic)], timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    let consumer = try cluster.makeConsumer(of: [])
    let partition = TopicPartition(topic: topic, partition: Partition(0))
    let publisher = AtLeastOncePublisher(
      producer: producer, consumer: consumer, timeout: .seconds(10))
    mock.failNext(.produce, with: [.invalidRecord, .none, .invalidRecord])
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publisher.publish(
        (0..<3).map { numbered($0, topic: topic) }, offsets: [partition: Offset(1)],
        as: consumer.groupMetadata())
    }
    guard case .rejected(index: 1, _) = error else {
      Issue.record("\(error)")
      return
    }
    var delivered: [String] = []
    let reader = try TopicReader(
      cluster.configuration(), topics: [topic], timeout: .seconds(10))
    try reader.readAll(idleMax: .seconds(30)) { delivered += $0.compactMap(\.text) }
    #expect(delivered == ["9", "0", "2"])
    #expect(try consumer.committed([partition], timeout: .seconds(10)).isEmpty)
  }

  @Test func aBrokerThatStaysAwayAbortsThePublication() throws {
    let cluster = try TestCluster(mockOnly: true)
    let mock = try #require(cluster.mock)
    let topic = try cluster.makeTopic(partitions: 1)
    let producer = try cluster.makeProducer(["message.timeout.ms": "200"])
    let consumer = try cluster.makeConsumer(of: [])
    try mock.setBroker(1, isUp: false)
    let publisher = AtLeastOncePublisher(
      producer: producer, consumer: consumer, timeout: .seconds(5))
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publisher.publish([numbered(0, topic: topic)], offsets: [:], as: consumer.groupMetadata())
    }
    guard case .aborted = error else {
      Issue.record("\(error)")
      return
    }
  }
}
