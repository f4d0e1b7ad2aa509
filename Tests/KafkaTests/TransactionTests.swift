import Kafka
import Records
import Testing
import Threading
import Transport

/// Transactions against mock brokers, which can be told to fail. What needs brokers that hide
/// aborted records is in `BrokerTests`.
@Suite(.ownThread) struct TransactionTests {
  private let mock: MockCluster
  private let cluster: TestCluster
  private let topic: String
  private let inputs: String

  init() throws {
    cluster = try TestCluster(mockOnly: true)
    mock = try #require(cluster.mock)
    topic = try cluster.makeTopic(partitions: 1)
    inputs = try cluster.makeTopic(partitions: 1)
  }

  /// A publisher and a consumer of the group whose offsets it commits.
  private func makePublisher(
    timeout: Duration = .seconds(15), _ pairs: KeyValuePairs<String, String> = [:]
  ) throws -> (TransactionalPublisher<KafkaProducer>, KafkaConsumer) {
    let consumer = try cluster.makeConsumer(of: [])
    return (try cluster.makePublisher(for: consumer, timeout: timeout, pairs), consumer)
  }

  private func offsets(_ number: Int64) -> [TopicPartition: Offset] {
    [TopicPartition(topic: inputs, partition: Partition(0)): Offset(number)]
  }

  private func records(_ numbers: Range<Int>) -> [OutputRecord] {
    numbers.map { numbered($0, topic: topic) }
  }

  @Test func publicationsOneAfterTheOtherAreRead() throws {
    let (publisher, consumer) = try makePublisher()
    for round in 0..<5 {
      try publisher.publish(
        records(round * 10..<round * 10 + 10), offsets: offsets(Int64(round)),
        as: consumer.groupMetadata())
    }
    try publisher.publish([], offsets: offsets(5), as: consumer.groupMetadata())
    try publisher.publish([], offsets: [:], as: consumer.groupMetadata())
    let received = try read(50, from: cluster.makeConsumer(of: [topic]))
    #expect(received.compactMap(\.text) == (0..<50).map { "\($0)" })
  }

  @Test(arguments: [
    KafkaErrorCode.coordinatorLoading, .concurrentTransactions, .notCoordinator,
  ])
  func aCommitThatTheCoordinatorPutsOffSucceeds(code: KafkaErrorCode) throws {
    let (publisher, consumer) = try makePublisher()
    mock.failNext(.endTransaction, with: [code, code])
    try publisher.publish(records(0..<3), offsets: offsets(1), as: consumer.groupMetadata())
    try publisher.publish(records(3..<4), offsets: offsets(2), as: consumer.groupMetadata())
  }

  @Test(arguments: [KafkaErrorCode.producerFenced, .invalidProducerEpoch])
  func aFencedProducerHasToLeave(code: KafkaErrorCode) throws {
    let (publisher, consumer) = try makePublisher()
    mock.failNext(.endTransaction, with: [code])
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publisher.publish(records(0..<3), offsets: offsets(1), as: consumer.groupMetadata())
    }
    guard case .fatal = error else {
      Issue.record("\(error)")
      return
    }
    #expect(error.cause.disposition == .fatal)
  }

  @Test(arguments: [
    (MockCluster.Request.addPartitionsToTransaction, KafkaErrorCode.topicAuthorizationFailed),
    (.transactionOffsetCommit, .illegalGeneration),
    (.produce, .topicAuthorizationFailed),
  ])
  func workIsDoneAgainAfterAnAbort(request: MockCluster.Request, code: KafkaErrorCode) throws {
    let (publisher, consumer) = try makePublisher()
    mock.failNext(request, with: [code])
    do {
      try publisher.publish(records(0..<3), offsets: offsets(1), as: consumer.groupMetadata())
      // The failure came while records were still being handed over, and was mended at once.
    } catch PublishFailure<KafkaError>.aborted(let cause) {
      #expect(cause.disposition == .abort)
    }
    // A topic that may not be written to is tried again after the next look at its metadata.
    let end = ContinuousClock.now + .seconds(30)
    var isDone = false
    while !isDone {
      isDone = try isPublished(by: publisher, from: consumer)
      if ContinuousClock.now > end { throw TimeIsUp() }
    }
  }

  private func isPublished(
    by publisher: TransactionalPublisher<KafkaProducer>, from consumer: KafkaConsumer
  ) throws -> Bool {
    do {
      try publisher.publish(records(0..<3), offsets: offsets(1), as: consumer.groupMetadata())
    } catch PublishFailure<KafkaError>.aborted {
      return false
    }
    return true
  }

  @Test func aBrokerThatIsAwayForAWhileIsWaitedFor() throws {
    let (publisher, consumer) = try makePublisher(timeout: .seconds(30))
    try publisher.publish(records(0..<1), offsets: offsets(1), as: consumer.groupMetadata())
    try mock.setBroker(1, isUp: false)
    let mock = mock
    // A thread of its own: blocking tests beside this one may hold all of the cooperative pool.
    let end = ContinuousClock.now + .milliseconds(300)
    let revival = BlockingThread(name: "revival") {
      Monitor(()).wait { _ -> Monitor<Void>.WaitStep<Void> in
        let now = ContinuousClock.now
        return now >= end ? .done(()) : .sleep(atMost: end - now)
      }
      try? mock.setBroker(1, isUp: true)
    }
    try publisher.publish(records(1..<3), offsets: offsets(2), as: consumer.groupMetadata())
    revival.join()
  }

  @Test func theRecordThatIsTooLargeForTheClientIsNamed() throws {
    let (publisher, consumer) = try makePublisher(["message.max.bytes": "2000"])
    var records = records(0..<5)
    records[3] = OutputRecord(
      topic: topic, partition: Partition(0), key: nil, value: [UInt8](repeating: 7, count: 4_000))
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publisher.publish(records, offsets: offsets(1), as: consumer.groupMetadata())
    }
    guard case .rejected(index: 3, let cause) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(cause.code == .messageSizeTooLarge)
    records.remove(at: 3)
    try publisher.publish(records, offsets: offsets(1), as: consumer.groupMetadata())
  }

  /// Only a flush ends the wait for more: however slow the machine, one request takes all records.
  private static let untilFlushed: KeyValuePairs = ["linger.ms": "30000"]

  /// A broker refuses a whole request. Only records that are refused alone are at fault.
  @Test func theRecordThatIsTooLargeForTheBrokerIsNamed() throws {
    let (publisher, consumer) = try makePublisher(Self.untilFlushed)
    mock.failNext(
      .produce, with: [.messageSizeTooLarge, .none, .none, .messageSizeTooLarge])
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publisher.publish(records(0..<5), offsets: offsets(1), as: consumer.groupMetadata())
    }
    guard case .rejected(index: 2, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func recordsThatAreTooLargeOnlyTogetherAreWritten() throws {
    let (publisher, consumer) = try makePublisher(Self.untilFlushed)
    mock.failNext(.produce, with: [.messageSizeTooLarge])
    try publisher.publish(records(0..<5), offsets: offsets(1), as: consumer.groupMetadata())
    let received = try read(5, from: cluster.makeConsumer(of: [topic]))
    #expect(received.compactMap(\.text) == (0..<5).map { "\($0)" })
  }

  @Test func aTransactionThatWasNotBegunIsAFault() throws {
    let producer = try cluster.makeTransactionalProducer()
    let error = try #require(throws: KafkaError.self) {
      try producer.commitTransaction(timeout: .seconds(1))
    }
    #expect(error.disposition == .fatal)
  }

  @Test func takingTheIdentifierIsBounded() throws {
    try mock.setBroker(1, isUp: false)
    let producer = try KafkaProducer(cluster.configuration(["transactional.id": "t"]))
    let start = ContinuousClock.now
    let error = try #require(throws: KafkaError.self) {
      try producer.initTransactions(timeout: .milliseconds(200))
    }
    #expect(error.disposition == .retriable)
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}
