package import Records

/// Publishes exactly once: records and offsets are one transaction.
package final class TransactionalPublisher: RecordPublisher {
  private let producer: KafkaProducer
  private let timeout: Duration

  /// A publisher on a producer with a `transactional.id` whose `initTransactions` was called.
  ///
  /// `timeout` bounds one publication, retries included; aborting one may take as long again.
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
    try publishFindingRefused { isolated throws(PublishError) in
      try attempt(records, offsets, member, isolated)
    }
  }

  private func attempt(
    _ records: [OutputRecord], _ offsets: [TopicPartition: Offset],
    _ member: borrowing ConsumerGroupMetadata, _ isolated: Set<Int>
  ) throws(PublishError) -> AttemptResult {
    do throws(KafkaError) {
      try producer.beginTransaction()
    } catch {
      throw .fatal(error)  // no transaction was open, so nothing can be in its way but a fault
    }
    do throws(SendFailure) {
      try producer.send(records, isolated: isolated, timeout: timeout)
    } catch {
      try abort(after: error.error)
      if error.error.code.refusesRecord { throw .rejected(index: error.index, error.error) }
      throw .aborted(error.error)
    }
    var isCommitting = false
    do throws(KafkaError) {
      // Reading back a refusal before the commit spares the coordinator the offsets.
      try producer.sendOffsets(offsets, group: member, timeout: timeout)
      isCommitting = true
      try producer.commitTransaction(timeout: timeout)
      return .done
    } catch {
      // The commit may have happened. Aborting is impossible and publishing again would repeat.
      if isCommitting && error.disposition == .retriable { throw .fatal(error) }
      try abort(after: error)
      let refused = producer.deliveryFailures.filter(\.error.code.refusesRecord)
      if refused.isEmpty { throw .aborted(error) }
      return .refused(refused)
    }
  }

  /// Aborts the transaction, after which its work can be tried again; throws when that fails, too.
  private func abort(after error: KafkaError) throws(PublishError) {
    if error.disposition == .fatal { throw .fatal(error) }
    do throws(KafkaError) {
      try producer.abortTransaction(timeout: timeout)
    } catch {
      throw .fatal(error)
    }
  }
}
