/// A partition's number within its topic, from 0.
package struct Partition: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: Int32

  package init(rawValue: Int32) { self.rawValue = rawValue }
  package init(_ number: Int32) { self.rawValue = number }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// A record's place within its partition; as a committed offset, the place of the next record to
/// read.
package struct Offset: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: Int64

  package init(rawValue: Int64) { self.rawValue = rawValue }
  package init(_ number: Int64) { self.rawValue = number }

  /// The offset to commit once the record at this offset is done.
  package var next: Offset { Offset(rawValue + 1) }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One partition of one topic.
package struct TopicPartition: Hashable, Comparable, Sendable {
  package let topic: String
  package let partition: Partition

  package init(topic: String, partition: Partition) {
    self.topic = topic
    self.partition = partition
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.topic, left.partition) < (right.topic, right.partition)
  }
}

/// Where a record stands in Kafka: topic, partition and offset.
package struct SourcePosition: Hashable, Sendable {
  package let topicPartition: TopicPartition
  package let offset: Offset

  package init(topicPartition: TopicPartition, offset: Offset) {
    self.topicPartition = topicPartition
    self.offset = offset
  }

  package init(topic: String, partition: Int32, offset: Int64) {
    self.init(
      topicPartition: TopicPartition(topic: topic, partition: Partition(partition)),
      offset: Offset(offset))
  }

  package var topic: String { topicPartition.topic }
  package var partition: Partition { topicPartition.partition }
}

extension SourcePosition: CustomStringConvertible {
  /// `topic/partition/offset`, also the identifier of an exchange that brings none.
  package var description: String { "\(topic)/\(partition.rawValue)/\(offset.rawValue)" }
}
