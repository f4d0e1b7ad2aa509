internal import CRdKafka
package import Records

/// Reads topics once, from a moment or their beginning to the end that they had at the start.
///
/// It joins no group and commits nothing. One thread uses it.
package final class TopicReader {
  /// How long one call of librdkafka waits.
  private static let waitSlice = Duration.milliseconds(200)

  private let handle: ClientHandle
  private var reader = MessageReader()
  /// One past the last offset to be read, of each partition that is not done.
  private var ends: [TopicPartition: Offset] = [:]
  /// Records between start and end at most: transaction marks and compacted records count too.
  package private(set) var recordsMax: Int64 = 0

  /// Finds the ends of the topics and begins to read.
  ///
  /// - Parameters:
  ///   - since: reads records with this timestamp or later, in milliseconds since 1970-01-01 UTC;
  ///     nil reads all that is kept.
  ///   - timeout: of each request to the brokers.
  /// - Throws: also when a topic does not exist.
  package init(
    _ configuration: KafkaConfiguration, topics: [String], since milliseconds: Int64? = nil,
    timeout: Duration, events: KafkaEvents = KafkaEvents()
  ) throws(KafkaError) {
    var own = configuration
    // The library wants a group's name even from a consumer that is told what to read.
    own.setDefault("group.id", "sluice-topic-reader")
    own["enable.auto.commit"] = "false"
    own["enable.auto.offset.store"] = "false"
    own["enable.partition.eof"] = "true"
    own.setDefault("isolation.level", "read_committed")
    handle = try NativeConfiguration(own).makeClient(
      RD_KAFKA_CONSUMER, context: CallbackContext(events: events))
    try unsafe handle.check(.createClient, rd_kafka_poll_set_consumer(handle.pointer))
    let partitions = try Self.partitions(
      of: topics, KafkaAdmin(configuration, events: events), timeout)
    var starts: [TopicPartition: Offset] = [:]
    let later = try milliseconds.map { time throws(KafkaError) in
      try offsets(of: partitions, since: time, timeout)
    }
    for partition in partitions {
      let marks = try watermarks(of: partition, timeout)
      let start = later.map { $0[partition] ?? marks.high } ?? marks.low
      guard start < marks.high else { continue }
      starts[partition] = start
      ends[partition] = marks.high
      recordsMax += marks.high.rawValue - start.rawValue
    }
    let list = TopicPartitionList(starts)
    let code = unsafe list.withPointer { unsafe rd_kafka_assign(handle.pointer, $0) }
    try handle.check(.assign, code)
  }

  /// Whether everything was read.
  package var isAtEnd: Bool { ends.isEmpty }

  /// Appends up to `max` records to `batch`; fewer when none comes in time or the end is reached.
  package func read(
    into batch: inout [InputRecord], max: Int, timeout: Duration
  ) throws(KafkaError) {
    let deadline = Deadline(after: timeout)
    let goal = batch.count + max
    while batch.count < goal, !isAtEnd {
      let wait = deadline.milliseconds(atMost: Self.waitSlice.milliseconds)
      if let message = unsafe rd_kafka_consumer_poll(handle.pointer, wait) {
        defer { unsafe rd_kafka_message_destroy(message) }
        if let record = try unsafe take(message) { batch.append(record) }
      } else if deadline.isOver {
        return
      }
    }
  }

  /// Every record up to the end.
  ///
  /// - Throws: `timedOut` when for `idleMax` nothing comes.
  package func readAll(
    idleMax: Duration, _ body: ([InputRecord]) throws(KafkaError) -> Void
  ) throws(KafkaError) {
    while !isAtEnd {
      var batch: [InputRecord] = []
      let before = ends
      try read(into: &batch, max: 500, timeout: idleMax)
      guard !batch.isEmpty || ends != before else { throw KafkaError(.poll, .timedOut) }
      if !batch.isEmpty { try body(batch) }
    }
  }

  private func take(
    _ message: UnsafeMutablePointer<rd_kafka_message_t>
  ) throws(KafkaError) -> InputRecord? {
    let code = KafkaErrorCode(unsafe message.pointee.err)
    switch code {
    case .none:
      let record = unsafe reader.record(message, generation: 0)
      let partition = record.source.topicPartition
      guard let end = ends[partition], record.source.offset < end else {
        ends[partition] = nil
        return nil
      }
      if record.source.offset.next >= end { ends[partition] = nil }
      return record
    case .partitionEnd:
      // What stands between here and the end is marks of transactions, or not yet decided.
      guard let topic = unsafe message.pointee.rkt else { return nil }
      let partition = TopicPartition(
        topic: unsafe String(cString: rd_kafka_topic_name(topic)),
        partition: Partition(unsafe message.pointee.partition))
      ends[partition] = nil
      return nil
    default:
      let error = handle.error(.poll, code)
      if error.disposition == .fatal { throw error }
      handle.context.report(error)
      return nil
    }
  }

  private static func partitions(
    of topics: [String], _ admin: KafkaAdmin, _ timeout: Duration
  ) throws(KafkaError) -> [TopicPartition] {
    let known = try admin.topics(timeout: timeout)
    var partitions: [TopicPartition] = []
    for name in topics {
      guard let topic = known.first(where: { $0.name == name }) else {
        throw KafkaError(.metadata, .unknownTopicOrPartition, message: "there is no topic \(name)")
      }
      partitions += (0..<topic.partitionCount).map {
        TopicPartition(topic: name, partition: Partition(Int32($0)))
      }
    }
    return partitions
  }

  private func watermarks(
    of partition: TopicPartition, _ timeout: Duration
  ) throws(KafkaError) -> Watermarks {
    var low: Int64 = 0
    var high: Int64 = 0
    let code = unsafe rd_kafka_query_watermark_offsets(
      handle.pointer, partition.topic, partition.partition.rawValue, &low, &high,
      timeout.milliseconds)
    try handle.check(.position, code)
    return Watermarks(low: Offset(low), high: Offset(high))
  }

  /// The first offset of each partition with that timestamp or a later one; partitions that have
  /// none are left out.
  private func offsets(
    of partitions: [TopicPartition], since milliseconds: Int64, _ timeout: Duration
  ) throws(KafkaError) -> [TopicPartition: Offset] {
    let list = TopicPartitionList(
      Dictionary(uniqueKeysWithValues: partitions.map { ($0, Offset(milliseconds)) }))
    let code = unsafe list.withPointer {
      unsafe rd_kafka_offsets_for_times(handle.pointer, $0, timeout.milliseconds)
    }
    try handle.check(.position, code)
    if let code = list.firstError { throw handle.error(.position, code) }
    return list.offsets
  }
}
