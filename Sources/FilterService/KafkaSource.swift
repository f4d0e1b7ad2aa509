package import Kafka
package import Pipeline
package import Records

/// A consumer group's member as a source of the stream.
package final class KafkaSource: Source {
  private let consumer: KafkaConsumer

  /// A source that reads `topics` through `consumer`, joining its group.
  package init(consumer: KafkaConsumer, topics: [String]) throws(KafkaError) {
    self.consumer = consumer
    try consumer.subscribe(to: topics)
  }

  package func poll(
    into records: inout [InputRecord], max: Int, timeoutMilliseconds: Int,
    onChange: (AssignmentChange) -> Void
  ) throws(SourceFailure) {
    do throws(KafkaError) {
      try consumer.pollBatch(
        into: &records, max: max, timeout: .milliseconds(timeoutMilliseconds)
      ) { onChange(AssignmentChange($0)) }
    } catch {
      throw SourceFailure(error)
    }
  }

  package func pause() throws(SourceFailure) {
    do throws(KafkaError) {
      try consumer.pause(consumer.assignment())
    } catch {
      throw SourceFailure(error)
    }
  }

  package func resume() throws(SourceFailure) {
    do throws(KafkaError) {
      try consumer.resume(Array(consumer.pausedPartitions))
    } catch {
      throw SourceFailure(error)
    }
  }

  package func close(
    timeoutMilliseconds: Int, onChange: (AssignmentChange) -> Void
  ) throws(SourceFailure) -> Bool {
    do throws(KafkaError) {
      return try consumer.close(timeout: .milliseconds(timeoutMilliseconds)) {
        onChange(AssignmentChange($0))
      }
    } catch {
      throw SourceFailure(error)
    }
  }
}

extension AssignmentChange {
  fileprivate init(_ event: RebalanceEvent) {
    switch event {
    case .assigned(let partitions): self = .assigned(partitions)
    case .revoked(let partitions): self = .revoked(partitions)
    case .lost(let partitions): self = .lost(partitions)
    }
  }
}

extension SourceFailure {
  fileprivate init(_ error: KafkaError) { self.init(detail: error.description) }
}
