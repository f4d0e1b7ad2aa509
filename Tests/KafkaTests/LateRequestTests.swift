import Kafka
import Records
import TestSupport
import Testing
import Transport

/// Requests that reach the broker when the client has long sent them again, or begun something
/// else.
@Suite(.ownThread) struct LateRequestTests {
  /// Reads numbers, publishes each once, through a proxy that holds requests of every kind.
  @Suite(.enabled(if: !NoidaBroker.isSkipped), .broker, .ownThread) struct OnABroker {
    private static let count = 3_000
    private let cluster: TestCluster
    private let inputs: String
    private let outputs: String

    init() throws {
      cluster = TestCluster(bootstrapServers: BrokerTrait.bootstrapServers)
      inputs = try cluster.makeTopic(partitions: 2)
      outputs = try cluster.makeTopic(partitions: 2)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func heldRequestsLoseAndRepeatNothing(seed: UInt64) throws {
      let producer = try cluster.makeProducer()
      try producer.send(
        (0..<Self.count).map { numbered($0, topic: inputs, partition: Int32($0 % 2)) },
        timeout: .seconds(20))
      try producer.flush(timeout: .seconds(20))
      let port = try #require(UInt16(cluster.bootstrapServers.split(separator: ":").last ?? ""))
      let holding = KafkaProxy.Holding(
        oneIn: 8, delayMilliseconds: 1...300, heldMax: 60, seed: seed)
      let proxy = try #require(KafkaProxy(broker: port, holding: holding))
      defer { proxy.stop() }

      let group = uniqueName("group")
      let identifier = uniqueName("producer")
      var published = 0
      var lives = 0
      while published < Self.count, lives < 40 {
        lives += 1
        try live(behind: proxy, as: group, identifier, published: &published)
      }
      #expect(proxy.held.values.reduce(0, +) >= 30, "\(proxy.held)")
      for partition in 0..<2 {
        let received = try readAll(partition)
        let wanted = stride(from: partition, to: Self.count, by: 2).map { "\($0)" }
        #expect(received == wanted, "seed \(seed), held \(proxy.held), \(lives) lives")
      }
    }

    /// A worker's life until everything is published or it has to leave, as the daemon does.
    private func live(
      behind proxy: KafkaProxy, as group: String, _ identifier: String, published: inout Int
    ) throws {
      let nearby = TestCluster(bootstrapServers: proxy.bootstrapServers)
      let consumer = try nearby.makeConsumer(
        of: [inputs], group: group, ["group.instance.id": "worker"])
      let publisher = try nearby.makePublisher(for: consumer, identifier: identifier)
      let end = ContinuousClock.now + .seconds(90)
      var attempts = 0
      var batch: [InputRecord] = []
      while published < Self.count, attempts < 20 {
        if ContinuousClock.now > end { throw TimeIsUp() }
        if attempts == 0 {
          batch = []
          try consumer.poll(into: &batch, max: 40, timeout: .milliseconds(50)) { _ in }
        }
        if batch.isEmpty { continue }
        var offsets: [TopicPartition: Offset] = [:]
        for record in batch { offsets[record.source.topicPartition] = record.source.offset.next }
        let results = batch.map {
          OutputRecord(
            topic: outputs, partition: $0.source.partition, key: $0.key, value: $0.value)
        }
        do {
          try publisher.publish(results, offsets: offsets, as: consumer.groupMetadata())
          // What an earlier life committed and did not know of is counted by its offsets.
          published = try committed(in: group)
          attempts = 0
        } catch PublishFailure<KafkaError>.fatal {
          return
        } catch PublishFailure<KafkaError>.aborted {
          attempts += 1
        }
      }
    }

    private func committed(in group: String) throws -> Int {
      let partitions = (0..<2).map {
        TopicPartition(topic: inputs, partition: Partition(Int32($0)))
      }
      let offsets = try cluster.makeConsumer(of: [], group: group)
        .committed(partitions, timeout: .seconds(20))
      return offsets.values.reduce(0) { $0 + Int($1.rawValue) }
    }

    private func readAll(_ partition: Int) throws -> [String] {
      let reader = try TopicReader(
        cluster.configuration(), topics: [outputs], from: .beginning, timeout: .seconds(10))
      var received: [InputRecord] = []
      try reader.readAll(idleMax: .seconds(20)) { received += $0 }
      return received.filter { $0.source.partition == Partition(Int32(partition)) }
        .compactMap(\.text)
    }
  }
}

/// When a publisher doubts, on mock brokers.
@Suite(.ownThread) struct DoubtTests {
  private let cluster: TestCluster
  private let topic: String
  private let inputs: String

  init() throws {
    cluster = try TestCluster(mockOnly: true)
    topic = try cluster.makeTopic(partitions: 1)
    inputs = try cluster.makeTopic(partitions: 1)
  }

  private func publishSome(through bootstrapServers: String) throws -> TransactionDoubts {
    let nearby = TestCluster(bootstrapServers: bootstrapServers)
    let consumer = try nearby.makeConsumer(of: [])
    let publisher = try nearby.makePublisher(for: consumer)
    for number in 0..<4 {
      try publisher.publish(
        [numbered(number, topic: topic)],
        offsets: [TopicPartition(topic: inputs, partition: Partition(0)): Offset(Int64(number))],
        as: consumer.groupMetadata())
    }
    return publisher.doubts
  }

  @Test func inNormalOperationThereIsNoDoubt() throws {
    let doubts = try publishSome(through: cluster.bootstrapServers)
    #expect(doubts.total == 0)
    #expect(doubts.renewal == .zero)
  }

  @Test(arguments: [MockCluster.Request.endTransaction, .transactionOffsetCommit, .produce])
  func aRequestThatTheBrokerPutsOffLeavesNone(request: MockCluster.Request) throws {
    let mock = try #require(cluster.mock)
    let code: KafkaErrorCode = request == .produce ? .notLeader : .coordinatorLoading
    mock.failNext(request, with: [code])
    #expect(try publishSome(through: cluster.bootstrapServers).total == 0)
  }

  @Test(arguments: KafkaProxy.Holding.transactional.sorted())
  func oneUnansweredRequestOfEachKindLeavesDoubt(apiKey: Int16) throws {
    let port = try #require(UInt16(cluster.bootstrapServers.split(separator: ":").last ?? ""))
    let holding = KafkaProxy.Holding(
      apiKeys: [apiKey], oneIn: 1, delayMilliseconds: 1...1, heldMax: 1, seed: 0)
    let proxy = try #require(KafkaProxy(broker: port, holding: holding))
    defer { proxy.stop() }
    let doubts = try publishSome(through: proxy.bootstrapServers)
    #expect(proxy.held == [apiKey: 1])
    #expect(doubts.counts == [.unanswered: 1])
    #expect(doubts.renewal > .zero)
  }
}
