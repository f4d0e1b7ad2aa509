import Kafka
import Records
import Testing

/// Topics that a pattern matches and that must not be read all the same.
@Suite(.ownThread) struct HiddenTopicTests {
  @Test func aPatternNeverAssignsAHiddenTopicAlsoWhenItComesLater() throws {
    let cluster = try TestCluster(mockOnly: true)
    let mock = try #require(cluster.mock)
    let prefix = uniqueName("loop")
    try mock.createTopic(prefix + ".in", partitions: 1)
    try mock.createTopic(prefix + ".verdicts", partitions: 1)
    var configuration = cluster.configuration([
      "group.id": uniqueName("group"), "auto.offset.reset": "earliest",
      "topic.metadata.refresh.interval.ms": "1000", "session.timeout.ms": "6000",
      "heartbeat.interval.ms": "200",
    ])
    configuration.hide(topics: [prefix + ".verdicts", prefix + ".late"])
    let consumer = try KafkaConsumer(configuration)
    try consumer.subscribe(to: ["^" + prefix])
    let producer = try cluster.makeProducer()
    func send(_ number: Int, to topic: String) throws {
      try producer.send([numbered(number, topic: prefix + topic)], timeout: .seconds(10))
      try producer.flush(timeout: .seconds(10))
    }
    try send(1, to: ".in")
    try send(2, to: ".verdicts")
    var assigned: Set<String> = []
    var records: [InputRecord] = []
    func pollUntil(_ count: Int) throws {
      try poll(consumer, into: &records) { change in
        if case .assigned(let partitions) = change {
          assigned.formUnion(partitions.map(\.topic))
        }
      } until: {
        $0.count >= count
      }
    }
    try pollUntil(1)
    try mock.createTopic(prefix + ".late", partitions: 1)
    try send(3, to: ".late")
    // Once this one is read, the metadata in which the other stands was, too.
    try mock.createTopic(prefix + ".more", partitions: 1)
    try send(4, to: ".more")
    try pollUntil(2)
    #expect(records.map(\.text) == ["1", "4"])
    #expect(assigned == [prefix + ".in", prefix + ".more"])
  }

  @Test func hiddenTopicsAreAddedToThoseOfTheFile() {
    var configuration = KafkaConfiguration(["topic.blacklist": "^x"])
    configuration.hide(topics: [])
    #expect(configuration["topic.blacklist"] == "^x")
    configuration.hide(topics: ["a.b", "c"])
    #expect(configuration["topic.blacklist"] == "^x,^a[.]b$,^c$")
  }
}
