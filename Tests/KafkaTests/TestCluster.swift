import Glibc
import Kafka
import Records
import Transport

/// Brokers for a test: the cluster at `KAFKA_BOOTSTRAP` if that is set, mock brokers otherwise.
struct TestCluster {
  /// The mock brokers; nil on a real cluster.
  let mock: MockCluster?
  let bootstrapServers: String

  /// Brokers as the environment says; with `mockOnly` always mock ones, for tests of failures.
  init(mockOnly: Bool = false) throws {
    if !mockOnly, let address = unsafe getenv("KAFKA_BOOTSTRAP") {
      mock = nil
      bootstrapServers = unsafe String(cString: address)
    } else {
      let mock = try MockCluster()
      self.mock = mock
      bootstrapServers = mock.bootstrapServers
    }
  }

  /// Brokers that run already.
  init(bootstrapServers: String) {
    mock = nil
    self.bootstrapServers = bootstrapServers
  }

  /// A configuration that can reach the cluster, with these properties.
  func configuration(_ pairs: KeyValuePairs<String, String> = [:]) -> KafkaConfiguration {
    var configuration = KafkaConfiguration(bootstrapServers: bootstrapServers)
    for (name, value) in pairs { configuration[name] = value }
    return configuration
  }

  /// A new topic under a name that no other test uses.
  func makeTopic(partitions: Int) throws -> String {
    let name = uniqueName("topic")
    if let mock {
      try mock.createTopic(name, partitions: partitions)
    } else {
      let admin = try KafkaAdmin(configuration())
      try admin.createTopics(
        [KafkaAdmin.NewTopic(name, partitionCount: partitions)], timeout: .seconds(20))
    }
    return name
  }

  /// A member of `group` that reads `topics` from their beginning.
  func makeConsumer(
    of topics: [String], group: String = uniqueName("group"),
    _ pairs: KeyValuePairs<String, String> = [:]
  ) throws -> KafkaConsumer {
    var configuration = configuration([
      "group.id": group, "auto.offset.reset": "earliest", "session.timeout.ms": "6000",
      "heartbeat.interval.ms": "200", "topic.metadata.refresh.interval.ms": "1000",
    ])
    for (name, value) in pairs { configuration[name] = value }
    let consumer = try KafkaConsumer(configuration)
    if !topics.isEmpty { try consumer.subscribe(to: topics) }
    return consumer
  }

  /// A producer without transactions.
  func makeProducer(_ pairs: KeyValuePairs<String, String> = [:]) throws -> KafkaProducer {
    try KafkaProducer(configuration(pairs))
  }

  /// A publisher for `consumer`'s group, ready for its first transaction.
  func makePublisher(
    for consumer: KafkaConsumer, identifier: String = uniqueName("producer"),
    timeout: Duration = .seconds(20), _ pairs: KeyValuePairs<String, String> = [:],
    events: KafkaEvents = KafkaEvents()
  ) throws -> TransactionalPublisher<KafkaProducer> {
    var configuration = configuration(pairs)
    configuration["transactional.id"] = identifier
    return try TransactionalPublisher(
      configuration, consumer: consumer, timeout: timeout, events: events)
  }

  /// A producer that is ready for its first transaction.
  func makeTransactionalProducer(
    identifier: String = uniqueName("producer"), _ pairs: KeyValuePairs<String, String> = [:]
  ) throws -> KafkaProducer {
    var configuration = configuration(pairs)
    configuration["transactional.id"] = identifier
    let producer = try KafkaProducer(configuration)
    try producer.initTransactions(timeout: .seconds(20))
    return producer
  }
}

/// A name that nobody used before, also on a cluster that outlives the test.
func uniqueName(_ prefix: String) -> String {
  "\(prefix)-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
}

/// A test's expectation did not come true in time.
struct TimeIsUp: Error {}

/// Polls until `isDone`, appending to `records`; throws when that takes longer than the time limit.
func poll(
  _ consumer: KafkaConsumer, into records: inout [InputRecord],
  within limit: Duration = .seconds(30), onChange: (AssignmentChange) -> Void = { _ in },
  until isDone: ([InputRecord]) -> Bool
) throws {
  let end = ContinuousClock.now + limit
  while !isDone(records) {
    if ContinuousClock.now > end { throw TimeIsUp() }
    try consumer.poll(
      into: &records, max: 1_000, timeout: .milliseconds(50), onChange: onChange)
  }
}

/// Reads `count` records.
func read(_ count: Int, from consumer: KafkaConsumer) throws -> [InputRecord] {
  var records: [InputRecord] = []
  try poll(consumer, into: &records) { $0.count >= count }
  return records
}

/// A record with a number as its payload.
func numbered(_ number: Int, topic: String, partition: Int32? = 0) -> OutputRecord {
  OutputRecord(
    topic: topic, partition: partition.map { Partition($0) }, key: nil,
    value: Array("\(number)".utf8))
}

extension InputRecord {
  /// The payload as text.
  var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}
