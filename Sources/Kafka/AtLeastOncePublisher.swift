package import Records
package import Transport

/// Publishes at least once: offsets are committed after all records are written.
///
/// A failure between the two, or in the middle of the records, leaves records that will be written
/// again. An offset is never committed past a record that is not written.
package final class AtLeastOncePublisher: RecordPublisher {
  private let producer: KafkaProducer
  private let consumer: KafkaConsumer
  private let timeout: Duration

  /// A publisher on a producer without a `transactional.id`, which commits for `consumer`'s group;
  /// `timeout` bounds one publication.
  package init(producer: KafkaProducer, consumer: KafkaConsumer, timeout: Duration) {
    precondition(!producer.isTransactional, "transactions are for the transactional publisher")
    self.producer = producer
    self.consumer = consumer
    self.timeout = timeout
  }

  /// None: what comes late repeats something, which this publisher may.
  package let doubts = TransactionDoubts()

  /// Publishes `records`, then `offsets`. See `RecordPublisher`.
  package func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset],
    as member: ConsumerGroupMetadata
  ) throws(PublishFailure<KafkaError>) {
    let deadline = Deadline(after: timeout)
    var attempts = PublishAttempts()
    var result: AttemptResult
    repeat {
      result = try write(records, attempts.isolated)
    } while try attempts.areNeeded(after: result)
    while true {
      do throws(KafkaError) {
        return try consumer.commit(offsets, timeout: timeout)
      } catch {
        if error.disposition == .fatal { throw .fatal(error) }
        if error.disposition == .abort || deadline.isOver { throw .aborted(error) }
      }
    }
  }

  private func write(
    _ records: [OutputRecord], _ isolated: Set<Int>
  ) throws(PublishFailure<KafkaError>) -> AttemptResult {
    do throws(SendFailure) {
      try producer.send(records, isolated: isolated, timeout: timeout)
    } catch {
      if error.error.code.refusesRecord { throw .rejected(index: error.index, error.error) }
      throw error.error.disposition == .fatal ? .fatal(error.error) : .aborted(error.error)
    }
    do throws(KafkaError) {
      try producer.flush(timeout: timeout)
    } catch {
      throw error.disposition == .fatal ? .fatal(error) : .aborted(error)
    }
    let failures = producer.deliveryFailures
    guard let first = failures.first else { return .done }
    let refused = failures.filter(\.error.code.refusesRecord)
    if !refused.isEmpty { return .refused(refused) }
    throw first.error.disposition == .fatal ? .fatal(first.error) : .aborted(first.error)
  }
}
