package import Records
internal import Synchronization
package import Transport

/// Publishes exactly once: records and offsets are one transaction.
///
/// Offsets join a transaction once all of its records are acknowledged, so that no commit, however
/// late, can carry offsets without their records. After any doubt (`TransactionDoubt`) a fresh
/// producer takes over before anything else is written: a transaction begins only under an epoch in
/// which no earlier request can be on its way. So within it every request is either answered or
/// sent again to the same effect, and its success can be believed.
package final class TransactionalPublisher<Producer: TransactionalProducer>: Sendable {
  /// Makes a producer and takes possession of the `transactional.id` for it, within the time.
  package typealias MakeProducer = @Sendable (Duration) throws(KafkaError) -> Producer
  /// Asks the coordinator for the offsets that the group has committed.
  package typealias CommittedOffsets =
    @Sendable ([TopicPartition], Duration) throws(KafkaError) -> [TopicPartition: Offset]

  private struct State {
    /// nil after a doubt, until a fresh one could be made.
    var producer: Producer?
    var doubts = TransactionDoubts()
  }

  private let makeProducer: MakeProducer
  private let committedOffsets: CommittedOffsets
  private let timeout: Duration
  private let report: @Sendable (TransactionDoubt) -> Void
  private let state: Mutex<State>

  /// Makes the first producer, which fences a predecessor and ends its open transaction.
  ///
  /// - Parameters:
  ///   - timeout: bounds the writing of one publication, its commit, and putting a fresh producer
  ///     in place; as long as the coordinator waits for the transaction (`transaction.timeout.ms`).
  ///     What took longer to write is not committed.
  ///   - startTimeout: bounds the making of the first producer.
  ///   - report: is told of each doubt.
  package init(
    timeout: Duration, startTimeout: Duration = .seconds(60),
    makeProducer: @escaping MakeProducer, committedOffsets: @escaping CommittedOffsets,
    report: @escaping @Sendable (TransactionDoubt) -> Void = { _ in }
  ) throws(KafkaError) {
    self.makeProducer = makeProducer
    self.committedOffsets = committedOffsets
    self.timeout = timeout
    self.report = report
    state = Mutex(State(producer: try makeProducer(startTimeout)))
  }

  /// How often there was doubt, and what it cost.
  package var doubts: TransactionDoubts { state.withLock { $0.doubts } }

  /// Publishes `records` and `offsets`, or nothing at all. See `RecordPublisher`.
  package func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], as member: Producer.Member
  ) throws(PublishFailure<KafkaError>) {
    var attempts = PublishAttempts()
    var result: AttemptResult
    repeat {
      result = try attempt(records, offsets, member, attempts.isolated)
    } while try attempts.areNeeded(after: result)
  }

  /// Why a transaction did not come as far as its commit.
  private struct WriteFailure: Error {
    /// The record that could not be handed over; nil when none is to blame.
    let index: Int?
    let error: KafkaError
  }

  private func attempt(
    _ records: [OutputRecord], _ offsets: [TopicPartition: Offset], _ member: Producer.Member,
    _ isolated: Set<Int>
  ) throws(PublishFailure<KafkaError>) -> AttemptResult {
    let producer = try trustedProducer()
    do throws(KafkaError) {
      try producer.beginTransaction()
    } catch {
      throw .fatal(error)  // no transaction was open, so nothing can be in its way but a fault
    }
    do throws(WriteFailure) {
      try write(records, offsets, as: member, isolated, with: producer)
    } catch {
      return try giveUp(producer, after: error)
    }
    do throws(KafkaError) {
      // With a full share of time: what happened to a commit that runs out of it is hard to tell.
      try producer.commitTransaction(timeout: timeout)
    } catch {
      return try resolve(producer, offsets, after: error)
    }
    if producer.unansweredRequests > 0 {
      replaceProducer(TransactionDoubt(cause: .unanswered, detail: ""))
    }
    return .done
  }

  /// Everything but the commit. Records first, and offsets once all of them are acknowledged.
  private func write(
    _ records: [OutputRecord], _ offsets: [TopicPartition: Offset], as member: Producer.Member,
    _ isolated: Set<Int>, with producer: Producer
  ) throws(WriteFailure) {
    let end = ContinuousClock.now + timeout
    do throws(SendFailure) {
      try producer.send(records, isolated: isolated, timeout: timeout)
    } catch {
      throw WriteFailure(index: error.index, error: error.error)
    }
    do throws(KafkaError) {
      try producer.flush(timeout: end - .now)
      if let failure = producer.deliveryFailures.first { throw failure.error }
      try producer.sendOffsets(offsets, group: member, timeout: end - .now)
      // librdkafka 2.0.2 may stay in there until brokers are back, long after the group has given
      // the partitions to another member, and a broker may still take the offsets.
      if ContinuousClock.now >= end { throw KafkaError(.sendOffsets, .timedOut) }
    } catch {
      throw WriteFailure(index: nil, error: error)
    }
  }

  /// Leaves a transaction whose commit was not asked for: the fresh producer ends it.
  private func giveUp(
    _ producer: Producer, after failure: WriteFailure
  ) throws(PublishFailure<KafkaError>) -> AttemptResult {
    let error = failure.error
    let refused = producer.deliveryFailures.filter(\.error.code.refusesRecord)
    // `_STATE` is what a call is told once the transaction has failed behind its back.
    if error.disposition == .fatal, error.code != .state { throw .fatal(error) }
    replaceProducer(TransactionDoubt(cause: .aborted, detail: error.description))
    if let index = failure.index, error.code.refusesRecord {
      throw .rejected(index: index, error)
    }
    if !refused.isEmpty { return .refused(refused) }
    throw .aborted(error)
  }

  /// Finds out whether a commit happened that was asked for and failed.
  private func resolve(
    _ producer: Producer, _ offsets: [TopicPartition: Offset], after error: KafkaError
  ) throws(PublishFailure<KafkaError>) -> AttemptResult {
    if error.disposition == .fatal { throw .fatal(error) }
    let wasAnswered = error.disposition == .abort && producer.unansweredRequests == 0
    if wasAnswered { return try giveUp(producer, after: WriteFailure(index: nil, error: error)) }
    // Without offsets there is nothing to tell by.
    if offsets.isEmpty { throw .fatal(error) }
    // Once a fresh producer is in place, the transaction has ended, one way or the other.
    replaceProducer(TransactionDoubt(cause: .uncertain, detail: error.description))
    guard state.withLock({ $0.producer != nil }) else { throw .fatal(error) }
    let committed: [TopicPartition: Offset]
    do throws(KafkaError) {
      committed = try committedOffsets(Array(offsets.keys), timeout)
    } catch {
      throw .fatal(error)
    }
    let reached = offsets.filter { partition, offset in
      committed[partition].map { $0 >= offset } ?? false
    }
    if reached.count == offsets.count { return .done }
    if reached.isEmpty { throw .aborted(error) }
    throw .fatal(error)  // some of the partitions are another's by now: the next start will see
  }

  /// The producer under whose epoch nothing is on its way.
  private func trustedProducer() throws(PublishFailure<KafkaError>) -> Producer {
    if let producer = state.withLock({ $0.producer }) { return producer }
    do throws(KafkaError) {
      return try renew()
    } catch {
      throw error.disposition == .fatal ? .fatal(error) : .aborted(error)
    }
  }

  /// Gives the producer up and puts a fresh one in its place; if that fails, the next publication
  /// tries again before it begins.
  private func replaceProducer(_ doubt: TransactionDoubt) {
    let former = state.withLock { state -> Producer? in
      state.doubts.note(doubt.cause)
      return state.producer.take()
    }
    report(doubt)
    _ = try? renew()
    // The former one is taken down here, with its connections, once the fresh one has shut it out.
    withExtendedLifetime(former) {}
  }

  private func renew() throws(KafkaError) -> Producer {
    let start = ContinuousClock.now
    defer {
      let duration = ContinuousClock.now - start
      state.withLock { $0.doubts.note(renewal: duration) }
    }
    let producer = try makeProducer(timeout)
    state.withLock { $0.producer = producer }
    return producer
  }
}

extension TransactionalPublisher: RecordPublisher where Producer == KafkaProducer {
  /// A publisher whose producers have this configuration, with its `transactional.id`, and which
  /// commits for `consumer`'s group; without a consumer it commits no offsets.
  package convenience init(
    _ configuration: KafkaConfiguration, consumer: KafkaConsumer?, timeout: Duration,
    events: KafkaEvents = KafkaEvents()
  ) throws(KafkaError) {
    precondition(
      configuration["transactional.id"] != nil, "exactly once needs the property transactional.id")
    try self.init(
      timeout: timeout,
      makeProducer: { (timeout) throws(KafkaError) in
        let producer = try KafkaProducer(configuration, events: events)
        try producer.initTransactions(timeout: timeout)
        return producer
      },
      committedOffsets: { (partitions, timeout) throws(KafkaError) in
        try consumer?.committed(partitions, timeout: timeout) ?? [:]
      },
      report: events.doubt)
  }
}
