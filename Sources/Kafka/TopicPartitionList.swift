internal import CRdKafka
internal import Records

/// A list of partitions and offsets of librdkafka's.
@safe struct TopicPartitionList: ~Copyable {
  private let pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>

  init(_ partitions: some Collection<TopicPartition>) {
    unsafe pointer = unsafe rd_kafka_topic_partition_list_new(Int32(partitions.count))
    for partition in partitions { unsafe add(partition) }
  }

  init(_ offsets: [TopicPartition: Offset]) {
    unsafe pointer = unsafe rd_kafka_topic_partition_list_new(Int32(offsets.count))
    for (partition, offset) in offsets {
      unsafe add(partition).pointee.offset = offset.rawValue
    }
  }

  init(topics: [String]) {
    unsafe pointer = unsafe rd_kafka_topic_partition_list_new(Int32(topics.count))
    for topic in topics {
      unsafe rd_kafka_topic_partition_list_add(pointer, topic, RD_KAFKA_PARTITION_UA)
    }
  }

  /// Takes over `pointer`.
  init(owning pointer: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) {
    unsafe self.pointer = unsafe pointer
  }

  deinit { unsafe rd_kafka_topic_partition_list_destroy(pointer) }

  /// Calls `body` with the list, which lives until it returns. Without a scope like this the list
  /// may be freed as soon as its address has been read.
  func withPointer<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try unsafe body(pointer)
  }

  /// The partitions in the list.
  var partitions: [TopicPartition] { unsafe pointer.pointee.partitions }

  /// The offsets that are real ones; partitions without an offset are left out.
  var offsets: [TopicPartition: Offset] {
    let present = unsafe pointer.pointee.elements.filter { unsafe $0.offset >= 0 }
    return unsafe Dictionary(
      present.map { unsafe ($0.topicPartition, Offset($0.offset)) },
      uniquingKeysWith: { _, last in last })
  }

  /// The first error that a call left at one of the partitions.
  var firstError: KafkaErrorCode? { unsafe pointer.pointee.firstError }

  @discardableResult
  private func add(
    _ partition: TopicPartition
  ) -> UnsafeMutablePointer<rd_kafka_topic_partition_t> {
    unsafe rd_kafka_topic_partition_list_add(
      pointer, partition.topic, partition.partition.rawValue)
  }
}

extension rd_kafka_topic_partition_list_t {
  var elements: UnsafeBufferPointer<rd_kafka_topic_partition_t> {
    unsafe UnsafeBufferPointer(start: elems, count: Int(cnt))
  }

  var partitions: [TopicPartition] { unsafe elements.map { unsafe $0.topicPartition } }

  var firstError: KafkaErrorCode? {
    unsafe elements.lazy.map { unsafe KafkaErrorCode($0.err) }.first { $0 != .none }
  }
}

extension rd_kafka_topic_partition_t {
  var topicPartition: TopicPartition {
    unsafe TopicPartition(topic: String(cString: topic), partition: Partition(partition))
  }
}
