package import Records

/// Why records and offsets were not published.
package enum PublishError: Error, Hashable, Sendable {
  /// Nothing was committed; the same records may be published again.
  case aborted(KafkaError)
  /// Nothing was committed, and the record at this index never can be: the broker refuses it.
  case rejected(index: Int, KafkaError)
  /// This process cannot go on. Whether the transaction was committed is for the next one to see
  /// from the committed offsets.
  case fatal(KafkaError)

  /// The error underneath.
  package var cause: KafkaError {
    switch self {
    case .aborted(let error), .rejected(_, let error), .fatal(let error): error
    }
  }
}

/// Writes outputs and commits the offsets of the inputs that they were made from.
package protocol RecordPublisher: Sendable {
  /// Publishes `records` in order and commits `offsets`, each the next one to read, for a member of
  /// the group. Blocks; one thread at a time.
  ///
  /// Take `member` before choosing the records: taken later, it could belong to the assignment after
  /// the one they were read in, and the coordinator would not refuse them.
  ///
  /// The offsets must be of partitions that the consumer owns now: finish inside the handler of a
  /// revocation, or drop the records.
  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset],
    as member: ConsumerGroupMetadata
  ) throws(PublishError)

  /// How often a publication left doubt about what may still reach the brokers.
  var doubts: TransactionDoubts { get }
}
