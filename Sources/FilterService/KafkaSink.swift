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

  /// The consumer's identity and generation in its group.
  package final class Membership: Sendable {
    fileprivate let metadata: ConsumerGroupMetadata

    fileprivate init(_ metadata: consuming ConsumerGroupMetadata) { self.metadata = metadata }
  }

  package func membership() throws(SinkFailure) -> Membership {
    do throws(KafkaError) {
      return Membership(try consumer.groupMetadata())
    } catch {
      throw .fatal(detail: error.description)
    }
  }

  package func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], as membership: Membership
  ) throws(SinkFailure) {
    do throws(PublishError) {
      try publisher.publish(records, offsets: offsets, as: membership.metadata)
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
