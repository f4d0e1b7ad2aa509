internal import CRdKafka
package import Records

/// The ends of a partition's log as they were last fetched.
package struct Watermarks: Hashable, Sendable {
  /// The oldest record that is kept.
  package let low: Offset
  /// One past the newest record; for `read_committed` one past the newest that may be read.
  package let high: Offset
}

extension KafkaConsumer {
  /// The group's member as the producer needs it to commit offsets in a transaction.
  package func groupMetadata() throws(KafkaError) -> ConsumerGroupMetadata {
    guard let metadata = unsafe rd_kafka_consumer_group_metadata(handle.pointer) else {
      throw KafkaError(
        .groupMetadata, .invalidArgument, message: "the consumer has no property \"group.id\"")
    }
    return unsafe ConsumerGroupMetadata(owning: metadata)
  }

  /// The name that the coordinator gave this member; empty before it has joined.
  package var memberIdentifier: String {
    guard let name = unsafe rd_kafka_memberid(handle.pointer) else { return "" }
    defer { unsafe rd_kafka_mem_free(handle.pointer, name) }
    return unsafe String(cString: name)
  }

  /// The partitions that this member owns.
  package func assignment() throws(KafkaError) -> [TopicPartition] {
    var list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    try unsafe handle.check(.assign, rd_kafka_assignment(handle.pointer, &list))
    guard let list = unsafe list else { return [] }
    return unsafe TopicPartitionList(owning: list).partitions
  }

  /// The offsets that the group has committed, asked of the coordinator; partitions without one are
  /// left out.
  package func committed(
    _ partitions: [TopicPartition], timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Offset] {
    let list = TopicPartitionList(partitions)
    let code = unsafe list.withPointer {
      unsafe rd_kafka_committed(handle.pointer, $0, timeout.waitMilliseconds)
    }
    try handle.check(.committed, code)
    if let code = list.firstError { throw handle.error(.committed, code) }
    return list.offsets
  }

  /// The offsets after the last records returned by `poll`; partitions of which none was returned
  /// are left out.
  package func position(
    of partitions: [TopicPartition]
  ) throws(KafkaError) -> [TopicPartition: Offset] {
    let list = TopicPartitionList(partitions)
    let code = unsafe list.withPointer { unsafe rd_kafka_position(handle.pointer, $0) }
    try handle.check(.position, code)
    return list.offsets
  }

  /// The ends of the partition as the last fetch told them, without asking; nil before that.
  package func watermarks(of partition: TopicPartition) -> Watermarks? {
    var low: Int64 = -1
    var high: Int64 = -1
    let code = unsafe rd_kafka_get_watermark_offsets(
      handle.pointer, partition.topic, partition.partition.rawValue, &low, &high)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, high >= 0 else { return nil }
    return Watermarks(low: Offset(max(0, low)), high: Offset(high))
  }

  /// Commits these offsets and waits for the answer: for at-least-once delivery.
  package func commit(
    _ offsets: [TopicPartition: Offset], timeout: Duration
  ) throws(KafkaError) {
    if offsets.isEmpty { return }
    let list = TopicPartitionList(offsets)
    // The plain synchronous commit has no time limit; with a queue of its own the wait has one.
    guard let queue = unsafe rd_kafka_queue_new(handle.pointer) else {
      throw KafkaError(.commit, KafkaErrorCode(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE))
    }
    defer { unsafe rd_kafka_queue_destroy(queue) }
    let code = unsafe list.withPointer {
      unsafe rd_kafka_commit_queue(handle.pointer, $0, queue, nil, nil)
    }
    try handle.check(.commit, code)
    guard let event = unsafe rd_kafka_queue_poll(queue, timeout.waitMilliseconds) else {
      throw KafkaError(.commit, .timedOut)
    }
    defer { unsafe rd_kafka_event_destroy(event) }
    try unsafe handle.check(.commit, rd_kafka_event_error(event))
    if let results = unsafe rd_kafka_event_topic_partition_list(event),
      let code = unsafe results.pointee.firstError
    {
      throw handle.error(.commit, code)
    }
  }

  /// Goes on reading at these offsets; the partitions must be assigned. What was fetched before is
  /// dropped.
  package func seek(
    to offsets: [TopicPartition: Offset], timeout: Duration
  ) throws(KafkaError) {
    let list = TopicPartitionList(offsets)
    let error = unsafe list.withPointer {
      unsafe rd_kafka_seek_partitions(handle.pointer, $0, timeout.waitMilliseconds)
    }
    try unsafe KafkaError.check(.seek, error)
    if let code = list.firstError { throw handle.error(.seek, code) }
  }
}
