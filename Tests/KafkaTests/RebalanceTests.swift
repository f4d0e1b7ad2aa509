import Glibc
import Kafka
import Records
import Testing
import Transport

@Suite(.ownThread) struct RebalanceTests {
  /// One member of the group, with what its handler was told.
  private final class Member {
    let consumer: KafkaConsumer
    var records: [InputRecord] = []
    var owned: Set<TopicPartition> = []
    var events: [AssignmentChange] = []
    var threads: Set<pthread_t> = []

    init(_ consumer: KafkaConsumer) { self.consumer = consumer }

    func note(_ event: AssignmentChange) {
      threads.insert(pthread_self())
      events.append(event)
      switch event {
      case .assigned(let partitions): owned.formUnion(partitions)
      case .revoked(let partitions), .lost(let partitions): owned.subtract(partitions)
      }
    }

    func poll() throws {
      var batch: [InputRecord] = []
      try consumer.poll(into: &batch, max: 100, timeout: .milliseconds(20)) { note($0) }
      for record in batch { #expect(owned.contains(record.source.topicPartition)) }
      records += batch
    }

    func close() throws -> Bool {
      try consumer.close(timeout: .seconds(10)) { note($0) }
    }
  }

  private func poll(_ members: [Member], until isDone: () -> Bool) throws {
    let end = ContinuousClock.now + .seconds(40)
    while !isDone() {
      if ContinuousClock.now > end { throw TimeIsUp() }
      for member in members { try member.poll() }
    }
  }

  @Test(arguments: ["range", "roundrobin", "cooperative-sticky"])
  func twoMembersShareThePartitionsAndHandThemOver(strategy: String) throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 4)
    let group = uniqueName("group")
    let properties: KeyValuePairs = ["partition.assignment.strategy": strategy]
    let isCooperative = strategy == "cooperative-sticky"

    let first = Member(try cluster.makeConsumer(of: [topic], group: group, properties))
    try poll([first]) { first.owned.count == 4 }
    #expect(try Set(first.consumer.assignment()) == first.owned)

    let second = Member(try cluster.makeConsumer(of: [topic], group: group, properties))
    try poll([first, second]) { first.owned.count == 2 && second.owned.count == 2 }
    #expect(first.owned.isDisjoint(with: second.owned))
    // An eager rebalance takes everything away first, a cooperative one only what moves.
    let revoked = first.events.compactMap { event in
      if case .revoked(let partitions) = event { partitions.count } else { nil }
    }
    #expect(revoked.first { $0 > 0 } == (isCooperative ? 2 : 4))

    #expect(try second.close())
    #expect(second.owned.isEmpty, "closing revokes")
    try poll([first]) { first.owned.count == 4 }
    #expect(try first.close())
    #expect(first.owned.isEmpty)
    #expect(first.threads.union(second.threads) == [pthread_self()])
  }

  @Test(arguments: ["range", "cooperative-sticky"])
  func recordsOfARevokedPartitionLeaveTheBatchAndComeToTheirNewOwner(strategy: String) throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 2)
    let group = uniqueName("group")
    let properties: KeyValuePairs = ["partition.assignment.strategy": strategy]
    let producer = try cluster.makeProducer()
    let sent = (0..<2_000).map { numbered($0, topic: topic, partition: Int32($0 % 2)) }
    try producer.send(sent, timeout: .seconds(10))
    try producer.flush(timeout: .seconds(10))

    // Nothing is committed, so whoever owns a partition reads it from its beginning.
    let first = Member(try cluster.makeConsumer(of: [topic], group: group, properties))
    try poll([first]) { first.records.count == 2_000 }
    var held = first.records
    let second = Member(try cluster.makeConsumer(of: [topic], group: group, properties))
    let end = ContinuousClock.now + .seconds(40)
    while first.owned.count != 1 || second.owned.count != 1 || second.records.count < 1_000 {
      if ContinuousClock.now > end { throw TimeIsUp() }
      try first.consumer.poll(into: &held, max: 10, timeout: .milliseconds(20)) {
        first.note($0)
      }
      try second.poll()
    }
    #expect(Set(held.map(\.source.topicPartition)).isSubset(of: first.owned))
    #expect(Set(second.records.map(\.source.topicPartition)) == second.owned)
    #expect(second.records.count == 1_000)
  }

  @Test func aMemberThatWasExpelledLosesItsPartitions() throws {
    let cluster = try TestCluster(mockOnly: true)
    let mock = try #require(cluster.mock)
    let topic = try cluster.makeTopic(partitions: 2)
    let member = Member(try cluster.makeConsumer(of: [topic]))
    try poll([member]) { member.owned.count == 2 }
    mock.failNext(.heartbeat, with: [KafkaErrorCode(rawValue: 25)])  // UNKNOWN_MEMBER_ID
    try poll([member]) {
      member.events.contains { if case .lost(let lost) = $0 { lost.count == 2 } else { false } }
    }
    try poll([member]) { member.owned.count == 2 }
  }

  @Test func closingIsBoundedWhenTheClusterIsGone() throws {
    let cluster = try TestCluster(mockOnly: true)
    let mock = try #require(cluster.mock)
    let topic = try cluster.makeTopic(partitions: 1)
    let member = Member(try cluster.makeConsumer(of: [topic]))
    try poll([member]) { member.owned.count == 1 }
    try mock.setBroker(1, isUp: false)
    let start = ContinuousClock.now
    _ = try member.consumer.close(timeout: .seconds(2)) { member.note($0) }
    #expect(ContinuousClock.now - start < .seconds(3))
    #expect(member.owned.isEmpty)
  }

  @Test func closingAConsumerThatNeverJoinedIsDoneAtOnce() throws {
    let cluster = try TestCluster()
    let consumer = try cluster.makeConsumer(of: [])
    #expect(try consumer.close(timeout: .seconds(5)) { _ in })
  }
}
