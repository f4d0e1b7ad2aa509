internal import CRdKafka
internal import Records

/// Tries whether the brokers let a stream do what it has to, and leaves nothing behind that its
/// group or a reader of committed records could notice.
package enum AccessTrial {
  /// A right that the brokers refuse.
  package struct Refusal: Hashable, Sendable, CustomStringConvertible {
    /// Such as `read from topic chat.exchanges`.
    package let right: String
    package let code: KafkaErrorCode

    package init(right: String, code: KafkaErrorCode) { (self.right, self.code) = (right, code) }

    package var description: String { "\(right): \(code.name)" }
  }

  /// Tries to read from the ends of these topics, and to see the group's offsets. The group is not
  /// joined, and nothing is committed.
  ///
  /// - Parameter topics: names and patterns, as for `KafkaAdmin.partitions(of:timeout:)`.
  /// - Throws: what is no refusal.
  package static func reading(
    _ configuration: KafkaConfiguration, topics: [String], timeout: Duration,
    events: KafkaEvents = KafkaEvents()
  ) throws(KafkaError) -> [Refusal] {
    var own = configuration
    own["group.instance.id"] = nil
    own["enable.auto.commit"] = "false"
    own["enable.partition.eof"] = "true"
    own["fetch.wait.max.ms"] = "10"
    let partitions = try KafkaAdmin(configuration.withoutGroup, events: events)
      .partitions(of: topics, timeout: timeout)
    let handle = try NativeConfiguration(own).makeClient(
      RD_KAFKA_CONSUMER, context: CallbackContext(events: events))
    try unsafe handle.check(.createClient, rd_kafka_poll_set_consumer(handle.pointer))
    var refusals: [Refusal] = []
    if let code = try committed(handle, partitions, timeout) {
      let group = own["group.id"] ?? ""
      refusals.append(Refusal(right: "read for group \(group)", code: code))
    }
    let ends = Dictionary(
      uniqueKeysWithValues: partitions.map { ($0, Offset(Int64(RD_KAFKA_OFFSET_END))) })
    let code = unsafe TopicPartitionList(ends).withPointer {
      unsafe rd_kafka_assign(handle.pointer, $0)
    }
    try handle.check(.assign, code)
    let refused = try fetch(handle, Set(partitions), timeout)
    for (topic, code) in refused.sorted(by: { $0.key < $1.key }) {
      refusals.append(Refusal(right: "read from topic \(topic)", code: code))
    }
    return refusals
  }

  /// Why the group's offsets may not be seen.
  private static func committed(
    _ handle: borrowing ClientHandle, _ partitions: [TopicPartition], _ timeout: Duration
  ) throws(KafkaError) -> KafkaErrorCode? {
    let list = TopicPartitionList(partitions)
    let result = unsafe list.withPointer {
      unsafe rd_kafka_committed(handle.pointer, $0, timeout.waitMilliseconds)
    }
    let code = KafkaErrorCode(result)
    for code in [code, list.firstError ?? .none] where code.isRefusal { return code }
    try handle.check(.committed, result)
    return nil
  }

  /// Some answers of a broker that waits 10 ms for records.
  private static let secondAnswer = Duration.milliseconds(250)

  /// Fetches until each partition has come to its end, or its topic was refused.
  ///
  /// A broker that tells where a partition ends beside the refusal to read it is heard out:
  /// librdkafka reports an end that it did not know in the place of an error, and the error with
  /// the next answer only (`rd_kafka_fetch_reply_handle_partition`).
  ///
  /// - Throws: when a partition gives no answer, so that nobody can say whether it may be read.
  private static func fetch(
    _ handle: borrowing ClientHandle, _ partitions: Set<TopicPartition>, _ timeout: Duration
  ) throws(KafkaError) -> [String: KafkaErrorCode] {
    let topics = Set(partitions.map(\.topic))
    var waiting = partitions
    var refused: [String: KafkaErrorCode] = [:]
    var deadline = Deadline(after: timeout)
    while refused.count < topics.count, !deadline.isOver {
      guard
        let message = unsafe rd_kafka_consumer_poll(
          handle.pointer, deadline.milliseconds(atMost: 100))
      else { continue }
      defer { unsafe rd_kafka_message_destroy(message) }
      guard let topic = unsafe message.pointee.rkt else { continue }
      let partition = TopicPartition(
        topic: unsafe String(cString: rd_kafka_topic_name(topic)),
        partition: Partition(unsafe message.pointee.partition))
      let code = KafkaErrorCode(unsafe message.pointee.err)
      let waited = !waiting.isEmpty
      if code.isRefusal {
        refused[partition.topic] = code
        waiting = waiting.filter { $0.topic != partition.topic }
      }
      if code == .partitionEnd || code == .none { waiting.remove(partition) }
      if waited, waiting.isEmpty { deadline = Deadline(after: secondAnswer) }
    }
    if let silent = waiting.min() {
      let name = "\(silent.topic)/\(silent.partition.rawValue)"
      let others = waiting.count > 1 ? " and \(waiting.count - 1) more partitions" : ""
      let seconds = Int((timeout / .seconds(1)).rounded())
      throw KafkaError(
        .poll, .timedOut, message: "no answer from \(name)\(others) within \(seconds) s")
    }
    return refused
  }

  /// Tries to write to each of these topics in a transaction that is aborted.
  ///
  /// - Parameter configuration: has a `transactional.id` that no stream has: whoever has it already
  ///   is fenced.
  /// - Throws: what is no refusal.
  package static func writing(
    _ configuration: KafkaConfiguration, topics: [String], timeout: Duration,
    events: KafkaEvents = KafkaEvents()
  ) throws(KafkaError) -> [Refusal] {
    let producer = try KafkaProducer(configuration, events: events)
    do throws(KafkaError) {
      try producer.initTransactions(timeout: timeout)
    } catch {
      guard error.code.isRefusal else { throw error }
      let name = configuration["transactional.id"] ?? ""
      return [Refusal(right: "write as transactional.id \(name)", code: error.code)]
    }
    var refusals: [Refusal] = []
    for topic in topics {
      if let code = try written(topic, by: producer, timeout) {
        refusals.append(Refusal(right: "write to topic \(topic)", code: code))
      }
    }
    return refusals
  }

  /// Why a record may not be written; nil if it was, and taken back.
  private static func written(
    _ topic: String, by producer: KafkaProducer, _ timeout: Duration
  ) throws(KafkaError) -> KafkaErrorCode? {
    try producer.beginTransaction()
    let record = OutputRecord(topic: topic, partition: Partition(0), key: nil, value: [])
    var failure: KafkaError?
    do throws(SendFailure) {
      try producer.send([record], timeout: timeout)
    } catch {
      failure = error.error
    }
    do throws(KafkaError) {
      try producer.flush(timeout: timeout)
    } catch {
      failure = failure ?? error
    }
    failure = failure ?? producer.deliveryFailures.first?.error
    do throws(KafkaError) {
      // A failed one says why when another is to begin; an open one says that it is open.
      try producer.beginTransaction()
    } catch {
      if error.code != .state, failure?.code.isRefusal != true { failure = error }
    }
    try producer.abortTransaction(timeout: timeout)
    guard let failure else { return nil }
    guard failure.code.isRefusal else { throw failure }
    return failure.code
  }
}

extension KafkaConfiguration {
  /// For a client that is in no group.
  fileprivate var withoutGroup: KafkaConfiguration {
    var configuration = self
    for name in ["group.id", "group.instance.id", "enable.partition.eof", "auto.offset.reset"] {
      configuration[name] = nil
    }
    return configuration
  }
}
