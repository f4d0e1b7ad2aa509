package import Kafka
package import Pipeline
package import Records

/// A Kafka producer as the sink of the stream, transactional or at least once.
package final class KafkaSink: Sink {
  private let consumer: KafkaConsumer
  private let publisher: any RecordPublisher

  /// A sink that commits the offsets of `consumer`'s group.
  package init(consumer: KafkaConsumer, publisher: any RecordPublisher) {
    self.consumer = consumer
    self.publisher = publisher
  }

  /// How often a transaction left doubt about what may still reach the brokers.
  package var doubts: TransactionDoubts { publisher.doubts }

  package func membership() throws(SinkFailure) -> ConsumerGroupMetadata {
    do throws(KafkaError) {
      return try consumer.groupMetadata()
    } catch {
      throw .fatal(detail: error.description)
    }
  }

  package func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset],
    as membership: ConsumerGroupMetadata
  ) throws(SinkFailure) {
    do throws(PublishError) {
      try publisher.publish(records, offsets: offsets, as: membership)
    } catch {
      switch error {
      case .aborted(let cause): throw .aborted(detail: cause.description)
      case .rejected(let index, let cause):
        throw .rejected(index: index, detail: cause.description)
      case .fatal(let cause): throw .fatal(detail: cause.description)
      }
    }
  }
}
