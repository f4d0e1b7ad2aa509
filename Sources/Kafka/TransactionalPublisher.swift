package import Records

/// Publishes exactly once: records and offsets are one transaction.
package final class TransactionalPublisher: RecordPublisher {
  private let producer: KafkaProducer
  private let timeout: Duration

  /// A publisher on a producer with a `transactional.id` whose `initTransactions` was called.
  ///
  /// `timeout` bounds the writing of one publication, and again its commit or abort.
  package init(producer: KafkaProducer, timeout: Duration) {
    precondition(producer.isTransactional, "exactly once needs the property transactional.id")
    self.producer = producer
    self.timeout = timeout
  }

  /// Publishes `records` and `offsets`, or nothing at all. See `RecordPublisher`.
  package func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset],
    as member: borrowing ConsumerGroupMetadata
  ) throws(PublishError) {
    var attempts = PublishAttempts()
    var result: AttemptResult
    repeat {
      result = try attempt(records, offsets, member, attempts.isolated)
    } while try attempts.areNeeded(after: result)
  }

  private func attempt(
    _ records: [OutputRecord], _ offsets: [TopicPartition: Offset],
    _ member: borrowing ConsumerGroupMetadata, _ isolated: Set<Int>
  ) throws(PublishError) -> AttemptResult {
    let deadline = Deadline(after: timeout)
    do throws(KafkaError) {
      try producer.beginTransaction()
    } catch {
      throw .fatal(error)  // no transaction was open, so nothing can be in its way but a fault
    }
    do throws(SendFailure) {
      try producer.send(records, isolated: isolated, timeout: deadline.remaining)
    } catch {
      if error.error.code.refusesRecord {
        try abort(after: error.error)
        throw .rejected(index: error.index, error.error)
      }
      return try recover(from: error.error)
    }
    var isCommitting = false
    do throws(KafkaError) {
      try producer.sendOffsets(offsets, group: member, timeout: deadline.remaining)
      isCommitting = true
      // With a full share of time: a commit that runs out of it cannot be taken back.
      try producer.commitTransaction(timeout: timeout)
      return .done
    } catch {
      // The commit may have happened. Aborting is impossible and publishing again would repeat.
      if isCommitting && error.disposition == .retriable { throw .fatal(error) }
      return try recover(from: error)
    }
  }

  /// Aborts the transaction and says what comes next.
  private func recover(from error: KafkaError) throws(PublishError) -> AttemptResult {
    try abort(after: error)
    let refused = producer.deliveryFailures.filter(\.error.code.refusesRecord)
    if !refused.isEmpty { return .refused(refused) }
    if error.code == .outOfOrderSequence || error.code == .state { return .interrupted(error) }
    throw .aborted(error)
  }

  /// Aborts the transaction, after which its work can be tried again; throws when that fails, too.
  ///
  /// `_STATE` is what a send is told once the transaction has failed behind its back; whether an
  /// abort mends that is for the abort to say. One cause is ordinary: a request that the broker
  /// refused leaves a gap in the partition's sequence numbers, so that the next transaction fails
  /// with `OUT_OF_ORDER_SEQUENCE_NUMBER`; its abort makes the library start the numbers anew.
  private func abort(after error: KafkaError) throws(PublishError) {
    if error.disposition == .fatal && error.code != .state { throw .fatal(error) }
    do throws(KafkaError) {
      try producer.abortTransaction(timeout: timeout)
    } catch let failure {
      throw .fatal(failure)
    }
  }
}
