package import Records
package import Transport

/// Writes outputs and commits the offsets of the inputs that they were made from, as a sink does,
/// for any member of the group.
package protocol RecordPublisher: Sendable {
  /// Publishes `records` in order and commits `offsets`. See `Sink.publish`.
  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset],
    as member: ConsumerGroupMetadata
  ) throws(PublishFailure<KafkaError>)

  /// How often a publication left doubt about what may still reach the brokers.
  var doubts: TransactionDoubts { get }
}
