package import Records
package import Transport

/// A Kafka producer as a sink, transactional or at least once, beside the member of the group whose
/// offsets it commits.
package final class KafkaSink: Sink {
  private let consumer: KafkaConsumer
  private let publisher: any RecordPublisher

  /// A sink that commits the offsets of `consumer`'s group.
  package init(consumer: KafkaConsumer, publisher: any RecordPublisher) {
    self.consumer = consumer
    self.publisher = publisher
  }

  /// How often a publication left doubt about what may still reach the brokers.
  package var doubts: TransactionDoubts { publisher.doubts }

  package func membership() throws(KafkaError) -> ConsumerGroupMetadata {
    try consumer.groupMetadata()
  }

  package func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset],
    as membership: ConsumerGroupMetadata
  ) throws(PublishFailure<KafkaError>) {
    try publisher.publish(records, offsets: offsets, as: membership)
  }
}
