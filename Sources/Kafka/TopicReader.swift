internal import CRdKafka
package import Records

/// Reads topics once, from some place to the end that they had at the start.
///
/// It joins no group and commits nothing. One thread uses it.
package final class TopicReader {
  /// Where the reading begins.
  package enum Start: Hashable, Sendable {
    /// The oldest records that are kept.
    case beginning
    /// The first records with this timestamp or a later one, in milliseconds since 1970-01-01 UTC.
    case time(milliseconds: Int64)
    /// These offsets; partitions that are missing, or whose log is another one now, begin with the
    /// oldest record that is kept.
    case offsets([TopicPartition: Offset])
  }

  /// How long one call of librdkafka waits, in milliseconds.
  private static let waitSlice: Int32 = 200

  private let handle: ClientHandle
  private var reader = MessageReader()
  /// One past the last offset to be read, of each partition that is not done.
  private var ends: [TopicPartition: Offset] = [:]
  /// Where another reading goes on: behind everything that was read or skipped.
  package private(set) var positions: [TopicPartition: Offset] = [:]
  /// Records between start and end at most: transaction marks and compacted records count too.
  package private(set) var recordsMax: Int64 = 0

  /// Finds the ends of the topics and begins to read.
  ///
  /// - Parameters:
  ///   - topics: names, and patterns that begin with `^`, which may match none.
  ///   - timeout: of each request to the brokers.
  /// - Throws: also when a topic does not exist.
  package init(
    _ configuration: KafkaConfiguration, topics: [String], from start: Start = .beginning,
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
    let partitions = try KafkaAdmin(configuration, events: events)
      .partitions(of: topics, timeout: timeout)
    var later: [TopicPartition: Offset] = [:]
    if case .time(let milliseconds) = start {
      later = try offsets(of: partitions, since: milliseconds, timeout)
    }
    var starts: [TopicPartition: Offset] = [:]
    for partition in partitions {
      let marks = try watermarks(of: partition, timeout)
      let first = start.first(in: partition, marks, later: later[partition])
      positions[partition] = first
      guard first < marks.high else { continue }
      starts[partition] = first
      ends[partition] = marks.high
      recordsMax += marks.high.rawValue - first.rawValue
    }
    let list = TopicPartitionList(starts)
    let code = unsafe list.withPointer { unsafe rd_kafka_assign(handle.pointer, $0) }
    try handle.check(.assign, code)
  }

  /// Whether everything was read.
  package var isAtEnd: Bool { ends.isEmpty }

  /// Appends up to `max` records to `batch`; fewer when the end is reached or some came and no more
  /// are there.
  ///
  /// - Throws: also `timedOut`, when nothing comes in time.
  package func read(
    into batch: inout [InputRecord], max: Int, timeout: Duration
  ) throws(KafkaError) {
    let deadline = Deadline(after: timeout)
    let start = batch.count
    while batch.count - start < max, !isAtEnd {
      let wait = batch.count == start ? deadline.milliseconds(atMost: Self.waitSlice) : 0
      if let message = unsafe rd_kafka_consumer_poll(handle.pointer, wait) {
        defer { unsafe rd_kafka_message_destroy(message) }
        if let record = try unsafe take(message) { batch.append(record) }
      } else if batch.count > start {
        return
      } else if deadline.isOver {
        throw KafkaError(.poll, .timedOut)
      }
    }
  }

  /// Every record up to the end.
  ///
  /// - Throws: also `timedOut`, when for `idleMax` nothing comes.
  package func readAll(
    idleMax: Duration, _ body: ([InputRecord]) throws(KafkaError) -> Void
  ) throws(KafkaError) {
    while !isAtEnd {
      var batch: [InputRecord] = []
      try read(into: &batch, max: 500, timeout: idleMax)
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
      positions[partition] = record.source.offset.next
      if record.source.offset.next >= end { ends[partition] = nil }
      return record
    case .partitionEnd:
      // What stands between here and the end is marks of transactions, or not yet decided.
      guard let topic = unsafe message.pointee.rkt else { return nil }
      let partition = TopicPartition(
        topic: unsafe String(cString: rd_kafka_topic_name(topic)),
        partition: Partition(unsafe message.pointee.partition))
      if ends.removeValue(forKey: partition) != nil {
        positions[partition] = Offset(unsafe message.pointee.offset)
      }
      return nil
    default:
      let error = handle.error(.poll, code)
      if error.disposition == .fatal { throw error }
      handle.context.report(error)
      return nil
    }
  }

  private func watermarks(
    of partition: TopicPartition, _ timeout: Duration
  ) throws(KafkaError) -> Watermarks {
    var low: Int64 = 0
    var high: Int64 = 0
    let code = unsafe rd_kafka_query_watermark_offsets(
      handle.pointer, partition.topic, partition.partition.rawValue, &low, &high,
      timeout.waitMilliseconds)
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
      unsafe rd_kafka_offsets_for_times(handle.pointer, $0, timeout.waitMilliseconds)
    }
    try handle.check(.position, code)
    if let code = list.firstError { throw handle.error(.position, code) }
    return list.offsets
  }
}

extension TopicReader.Start {
  /// The first offset to read; the log's end for none.
  fileprivate func first(
    in partition: TopicPartition, _ marks: Watermarks, later: Offset?
  ) -> Offset {
    switch self {
    case .beginning: marks.low
    case .time: later ?? marks.high
    case .offsets(let offsets):
      offsets[partition].flatMap { $0 > marks.high ? nil : max($0, marks.low) } ?? marks.low
    }
  }
}
