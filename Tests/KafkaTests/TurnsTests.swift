import Glibc
import Kafka
import Records
import Testing
import Transport

/// Records come from all partitions in turn, however the broker hands them out.
@Suite(.ownThread) struct TurnsTests {
  private let cluster: TestCluster
  private let topic: String

  init() throws {
    cluster = try TestCluster()
    topic = try cluster.makeTopic(partitions: 4)
  }

  /// Writes `count` records to each partition, in batches as large as the broker's answers.
  private func fill(_ partitions: Range<Int32>, count: Int) throws {
    let producer = try cluster.makeProducer([
      "linger.ms": "500", "batch.num.messages": "10000", "batch.size": "1000000",
    ])
    for partition in partitions {
      try producer.send(
        (0..<count).map { numbered($0, topic: topic, partition: partition) }, timeout: .seconds(10))
      try producer.flush(timeout: .seconds(10))
    }
  }

  /// Reads slowly, as a model would, until a record of each of these partitions has come; those of
  /// a partition whose turn never comes are not waited for.
  private func readSlowly(
    untilSeen count: Int, _ consumer: KafkaConsumer, into records: inout [InputRecord]
  ) throws {
    let end = ContinuousClock.now + .seconds(30)
    while Set(records.map(\.source.partition)).count < count, records.count < 500 {
      if ContinuousClock.now > end { throw TimeIsUp() }
      try consumer.poll(into: &records, max: 1, timeout: .milliseconds(20)) { _ in }
      usleep(1_000)  // sleeps: only so that others can be fetched meanwhile
    }
  }

  @Test func aBacklogIsReadFromAllPartitionsInTurn() throws {
    try fill(0..<4, count: 3_000)
    let consumer = try cluster.makeConsumer(of: [topic])
    var records: [InputRecord] = []
    try readSlowly(untilSeen: 4, consumer, into: &records)
    let start = records.count
    #expect(start < 500, "no partition waits for another's backlog")
    try consumer.poll(into: &records, max: 400, timeout: .seconds(10)) { _ in }
    let shares = Dictionary(grouping: records[start...], by: \.source.partition).mapValues(\.count)
    #expect(shares.count == 4)
    #expect(shares.values.allSatisfy { (90...110).contains($0) }, "\(shares)")

    try poll(consumer, into: &records) { $0.count >= 12_000 }
    for partition in 0..<4 {
      let numbers = records.filter { $0.source.partition == Partition(Int32(partition)) }
      #expect(numbers.compactMap(\.text) == (0..<3_000).map(String.init))
    }
  }

  @Test func aPartitionThatWakesUpHasItsTurnAtOnce() throws {
    try fill(0..<3, count: 3_000)
    let consumer = try cluster.makeConsumer(of: [topic])
    var records: [InputRecord] = []
    try readSlowly(untilSeen: 3, consumer, into: &records)
    try fill(3..<4, count: 10)
    let last = Partition(3)
    let woken = TopicPartition(topic: topic, partition: last)
    let end = ContinuousClock.now + .seconds(30)
    while records.count(where: { $0.source.partition == last }) < 10 {
      if ContinuousClock.now > end { throw TimeIsUp() }
      try consumer.poll(into: &records, max: 10, timeout: .milliseconds(5)) { _ in }
      // A model would be slow: nothing is read while the new records are on their way.
      let hasCome = consumer.watermarks(of: woken)?.high == Offset(10)
      if !hasCome { usleep(10_000) }  // sleeps: only so that the backlog lasts
    }
    #expect(records.count < 9_010, "the ten were read between the others")
  }
}
