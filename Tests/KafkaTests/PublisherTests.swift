import Foundation
import Kafka
import Records
import Synchronization
import Testing
import Transport

/// The order of a transaction's steps, and what is done after a doubt, on producers that follow a
/// script.
@Suite struct PublisherTests {
  private let partition = TopicPartition(topic: "in", partition: Partition(0))
  private let records = [
    OutputRecord(topic: "out", partition: Partition(0), key: nil, value: [1])
  ]

  private func publish(
    _ world: ScriptedProducers, _ publisher: TransactionalPublisher<ScriptedProducers.Producer>,
    upTo offset: Int64 = 5
  ) throws {
    try publisher.publish(records, offsets: [partition: Offset(offset)], as: 0)
  }

  @Test func offsetsJoinOnceTheRecordsAreAcknowledged() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    try publish(world, publisher)
    try publish(world, publisher)
    let one = ["begin", "send", "flush", "offsets", "commit"]
    #expect(world.calls == ["make"] + one + one)
    #expect(publisher.doubts == TransactionDoubts())
  }

  @Test func aRecordThatWasNotWrittenKeepsOffsetsOut() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.failDelivery(with: .topicAuthorizationFailed)
    #expect(throws: PublishFailure<KafkaError>.self) { try publish(world, publisher) }
    #expect(world.calls == ["make", "begin", "send", "flush", "make"])
    #expect(publisher.doubts.counts == [.aborted: 1])
  }

  @Test(arguments: ["send", "flush", "offsets"])
  func afterAnAbortTheNextTransactionHasAFreshProducer(step: String) throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.fail(step, with: .illegalGeneration)
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publish(world, publisher)
    }
    guard case .aborted = error else {
      Issue.record("\(error)")
      return
    }
    #expect(world.calls.last == "make")
    try publish(world, publisher)
    #expect(world.producersMade == 2)
  }

  /// A step that the library keeps until brokers are back may end long after the partitions went
  /// to another member: what outlived its time is left to the fresh producer to abort.
  @Test(arguments: ["send", "flush", "offsets"])
  func whatTookTooLongIsNotCommitted(step: String) throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher(timeout: .milliseconds(20))
    world.delay(step, by: .milliseconds(30))
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publish(world, publisher)
    }
    guard case .aborted(let cause) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(cause.code == .timedOut)
    #expect(!world.calls.contains("commit") && world.calls.last == "make")
    #expect(publisher.doubts.counts == [.aborted: 1])
    try publish(world, publisher)
    #expect(world.calls.last == "commit")
  }

  @Test func anUnansweredRequestBringsAFreshProducerThoughAllWentWell() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.leaveUnanswered(1)
    try publish(world, publisher)
    #expect(world.calls.last == "make")
    #expect(publisher.doubts.counts == [.unanswered: 1])
    try publish(world, publisher)
    #expect(world.producersMade == 2)
  }

  @Test(arguments: ["send", "flush", "offsets", "commit"])
  func whoIsFencedLeavesAndFencesNobody(step: String) throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.fail(step, with: .producerFenced)
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publish(world, publisher)
    }
    guard case .fatal = error else {
      Issue.record("\(error)")
      return
    }
    #expect(world.producersMade == 1)
  }

  /// What became of a commit that nobody answered is read from the group's offsets, once a fresh
  /// producer has ended the transaction.
  @Test(arguments: [(nil, false), (4, false), (5, true), (9, true)] as [(Int64?, Bool)])
  func theOffsetsTellWhetherACommitHappened(committed: Int64?, happened: Bool) throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.fail("commit", with: .timedOut)
    world.commit(committed.map { [partition: Offset($0)] } ?? [:])
    if happened {
      try publish(world, publisher)
    } else {
      let error = try #require(throws: PublishFailure<KafkaError>.self) {
        try publish(world, publisher)
      }
      #expect(error == .aborted(KafkaError(.commitTransaction, .timedOut)))
    }
    #expect(Array(world.calls.suffix(3)) == ["commit", "make", "ask"])
    #expect(publisher.doubts.counts == [.uncertain: 1])
  }

  @Test func halfACommitIsForTheNextStartToSee() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.fail("commit", with: .timedOut)
    world.commit([partition: Offset(5)])
    let other = TopicPartition(topic: "in", partition: Partition(1))
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publisher.publish(records, offsets: [partition: Offset(5), other: Offset(2)], as: 0)
    }
    #expect(error == .fatal(KafkaError(.commitTransaction, .timedOut)))
  }

  @Test func withoutOffsetsAnUnansweredCommitEndsTheProcess() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.fail("commit", with: .timedOut)
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publisher.publish(records, offsets: [:], as: 0)
    }
    #expect(error == .fatal(KafkaError(.commitTransaction, .timedOut)))
  }

  @Test func aCommitThatTheBrokerRefusedDidNotHappen() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.fail("commit", with: .illegalGeneration)
    world.commit([partition: Offset(9)])
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publish(world, publisher)
    }
    #expect(error == .aborted(KafkaError(.commitTransaction, .illegalGeneration)))
    #expect(!world.calls.contains("ask"))
  }

  /// The library sends a request again that nobody answered: the first copy may have ended the
  /// transaction before the broker refused the second one.
  @Test func aRefusedCommitWithAnUnansweredCopyMayHaveHappened() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.leaveUnanswered(1)
    world.fail("commit", with: .illegalGeneration)
    world.commit([partition: Offset(5)])
    try publish(world, publisher)
    #expect(Array(world.calls.suffix(3)) == ["commit", "make", "ask"])
    #expect(publisher.doubts.counts == [.uncertain: 1])
  }

  /// Nothing is written while no producer can be trusted.
  @Test func aFreshProducerThatCannotBeMadeIsTriedAgainBeforeAnythingElse() throws {
    let world = ScriptedProducers()
    let publisher = try world.makePublisher()
    world.leaveUnanswered(1)
    world.fail("make", with: .timedOut, times: 2)
    try publish(world, publisher)
    let error = try #require(throws: PublishFailure<KafkaError>.self) {
      try publish(world, publisher)
    }
    #expect(error == .aborted(KafkaError(.initTransactions, .timedOut)))
    #expect(Array(world.calls.suffix(3)) == ["commit", "make", "make"])
    try publish(world, publisher)
    #expect(world.producersMade == 2)
  }
}

/// Makes producers that fail as they are told, and notes every call.
final class ScriptedProducers: Sendable {
  private struct State {
    var calls: [String] = []
    var failures: [String: [KafkaErrorCode]] = [:]
    var delays: [String: Duration] = [:]
    var deliveryFailure: KafkaErrorCode?
    var unanswered = 0
    var committed: [TopicPartition: Offset] = [:]
    var made = 0
  }

  private let state = Mutex(State())

  var calls: [String] { state.withLock { $0.calls } }
  /// Producers whose making succeeded.
  var producersMade: Int { state.withLock { $0.made } }

  func fail(_ step: String, with code: KafkaErrorCode, times: Int = 1) {
    state.withLock { $0.failures[step, default: []] += Array(repeating: code, count: times) }
  }

  /// The step's next call succeeds, but late.
  func delay(_ step: String, by duration: Duration) {
    state.withLock { $0.delays[step] = duration }
  }

  func failDelivery(with code: KafkaErrorCode) { state.withLock { $0.deliveryFailure = code } }

  /// The current producer has that many unanswered requests; a fresh one has none.
  func leaveUnanswered(_ count: Int) { state.withLock { $0.unanswered = count } }

  func commit(_ offsets: [TopicPartition: Offset]) { state.withLock { $0.committed = offsets } }

  func makePublisher(
    timeout: Duration = .seconds(60)
  ) throws -> TransactionalPublisher<Producer> {
    try TransactionalPublisher(
      timeout: timeout,
      makeProducer: { [self] (_) throws(KafkaError) in
        try call("make", .initTransactions)
        state.withLock { state in
          state.made += 1
          state.unanswered = 0
          state.deliveryFailure = nil
        }
        return Producer(world: self)
      },
      committedOffsets: { [self] (_, _) throws(KafkaError) in
        try call("ask", .committed)
        return state.withLock { $0.committed }
      })
  }

  private func call(_ step: String, _ operation: KafkaError.Operation) throws(KafkaError) {
    let delay = state.withLock { $0.delays.removeValue(forKey: step) }
    if let delay { Thread.sleep(forTimeInterval: delay / .seconds(1)) }  // sleeps: is the fault
    let code = state.withLock { state -> KafkaErrorCode? in
      state.calls.append(step)
      guard var codes = state.failures[step], !codes.isEmpty else { return nil }
      let code = codes.removeFirst()
      state.failures[step] = codes
      return code
    }
    if let code { throw KafkaError(operation, code) }
  }

  struct Producer: TransactionalProducer {
    fileprivate let world: ScriptedProducers

    func beginTransaction() throws(KafkaError) { try world.call("begin", .beginTransaction) }

    func send(
      _ records: [OutputRecord], isolated: Set<Int>, timeout: Duration
    ) throws(SendFailure) {
      do throws(KafkaError) { try world.call("send", .produce) } catch {
        throw SendFailure(index: 0, error: error)
      }
    }

    func flush(timeout: Duration) throws(KafkaError) { try world.call("flush", .flush) }

    func sendOffsets(
      _ offsets: [TopicPartition: Offset], group: Int, timeout: Duration
    ) throws(KafkaError) {
      try world.call("offsets", .sendOffsets)
    }

    func commitTransaction(timeout: Duration) throws(KafkaError) {
      try world.call("commit", .commitTransaction)
    }

    var deliveryFailures: [KafkaProducer.DeliveryFailure] {
      world.state.withLock { state in
        state.deliveryFailure.map {
          [KafkaProducer.DeliveryFailure(index: 0, error: KafkaError(.deliver, $0))]
        } ?? []
      }
    }

    var unansweredRequests: Int { world.state.withLock { $0.unanswered } }
  }
}
