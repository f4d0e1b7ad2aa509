package import Records

/// What `TransactionalPublisher` needs of a producer: `KafkaProducer`, or one that a simulation
/// made.
///
/// One thread uses it, for one transaction after the other.
package protocol TransactionalProducer: Sendable {
  /// Proof of the assignment under which offsets are committed.
  associatedtype Member: Sendable

  /// Opens a transaction.
  func beginTransaction() throws(KafkaError)

  /// Hands records over, in order; they may be written later. `isolated` are indices of records
  /// that travel in requests of their own.
  func send(
    _ records: [OutputRecord], isolated: Set<Int>, timeout: Duration
  ) throws(SendFailure)

  /// Waits until every record sent is written and acknowledged, or has failed.
  func flush(timeout: Duration) throws(KafkaError)

  /// Makes offsets part of the transaction: each the next one to read.
  func sendOffsets(
    _ offsets: [TopicPartition: Offset], group: Member, timeout: Duration
  ) throws(KafkaError)

  /// Ends the transaction.
  func commitTransaction(timeout: Duration) throws(KafkaError)

  /// The records of the transaction that could not be written, in their order.
  var deliveryFailures: [KafkaProducer.DeliveryFailure] { get }

  /// How many requests of its transactions went unanswered since the producer was made, because a
  /// connection broke or time ran out. The library sends them again, and the first copies may reach
  /// the brokers at any time later.
  var unansweredRequests: Int { get }
}

extension KafkaProducer: TransactionalProducer {
  package var unansweredRequests: Int { handle.context.unanswered.count }
}
