import Kafka
import Records
import Testing

@Suite("A reader of a whole topic", .ownThread) struct TopicReaderTests {
  @Test("reads what was there at the start, and not what comes later")
  func readsUpToTheEnd() throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 3)
    let producer = try cluster.makeProducer()
    let first = (0..<90).map { numbered($0, topic: topic, partition: Int32($0 % 2)) }
    try producer.send(first, timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))

    let reader = try TopicReader(
      cluster.configuration(), topics: [topic], timeout: .seconds(10))
    #expect(reader.recordsMax == 90)
    try producer.send([numbered(90, topic: topic)], timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    var texts: [String] = []
    try reader.readAll(idleMax: .seconds(10)) { texts += $0.compactMap(\.text) }
    #expect(texts.count == 90)
    #expect(Set(texts) == Set((0..<90).map { "\($0)" }))
    #expect(reader.isAtEnd)

    let next = try TopicReader(
      cluster.configuration(), topics: [topic], from: .offsets(reader.positions),
      timeout: .seconds(10))
    texts.removeAll()
    try next.readAll(idleMax: .seconds(10)) { texts += $0.compactMap(\.text) }
    #expect(texts == ["90"])
  }

  @Test("begins at the oldest record where the log is shorter than the offsets say")
  func readsARecreatedTopic() throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 1)
    let producer = try cluster.makeProducer()
    try producer.send([numbered(0, topic: topic)], timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    let partition = TopicPartition(topic: topic, partition: Partition(0))
    let reader = try TopicReader(
      cluster.configuration(), topics: [topic], from: .offsets([partition: Offset(7)]),
      timeout: .seconds(10))
    #expect(reader.recordsMax == 1)
  }

  @Test("is at the end of an empty topic at once")
  func readsAnEmptyTopic() throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 2)
    let reader = try TopicReader(
      cluster.configuration(), topics: [topic], timeout: .seconds(10))
    #expect(reader.isAtEnd)
    #expect(reader.recordsMax == 0)
  }

  @Test("reads each topic of a name or a pattern once")
  func readsTopicsOfAPattern() throws {
    let cluster = try TestCluster()
    let topics = try (0..<3).map { _ in try cluster.makeTopic(partitions: 2) }
    let producer = try cluster.makeProducer()
    try producer.send(topics.map { numbered(0, topic: $0) }, timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))
    func read(_ names: [String]) throws -> Set<String> {
      let reader = try TopicReader(cluster.configuration(), topics: names, timeout: .seconds(10))
      #expect(reader.recordsMax == reader.positions.count / 2)
      return Set(reader.positions.keys.map(\.topic))
    }
    #expect(try read(["^(\(topics[0])|\(topics[1]))$", topics[0]]) == Set(topics.prefix(2)))
    #expect(try read([topics[2], "^\(topics[2].dropLast())", topics[2]]).contains(topics[2]))
    #expect(try read(["^\(uniqueName("missing"))"]) == [])
    let error = #expect(throws: KafkaError.self) { try read(["^("]) }
    #expect(error?.code == .invalidArgument)
  }

  @Test("refuses a topic that does not exist")
  func refusesAMissingTopic() throws {
    let cluster = try TestCluster()
    let error = try #require(throws: KafkaError.self) {
      try TopicReader(
        cluster.configuration(), topics: [uniqueName("missing")], timeout: .seconds(10))
    }
    #expect(error.code == .unknownTopicOrPartition)
  }
}
