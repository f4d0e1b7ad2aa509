internal import CRdKafka

/// The topics that a producer writes to, one handle of librdkafka's each.
@safe struct TopicHandles: ~Copyable {
  private var topics: [(name: String, handle: OpaquePointer)] = unsafe []
  private var last = 0

  init() {}

  deinit { free() }

  /// Frees the handles, which has to come before their client is freed.
  mutating func removeAll() {
    free()
    unsafe topics = unsafe []
    last = 0
  }

  private func free() { unsafe topics.forEach { unsafe rd_kafka_topic_destroy($0.handle) } }

  /// The handle for `name`, made on first use.
  ///
  /// A daemon writes to a handful of topics, often the same one again, so a scan beats a hash.
  mutating func handle(for name: String, at client: OpaquePointer) throws(KafkaError)
    -> OpaquePointer
  {
    if unsafe last < topics.count, unsafe topics[last].name == name {
      return unsafe topics[last].handle
    }
    if let position = unsafe topics.firstIndex(where: { unsafe $0.name == name }) {
      last = position
      return unsafe topics[position].handle
    }
    guard let handle = unsafe rd_kafka_topic_new(client, name, nil) else {
      throw KafkaError(.produce, KafkaErrorCode(rd_kafka_last_error()))
    }
    unsafe topics.append((name, handle))
    unsafe last = topics.count - 1
    return unsafe handle
  }
}
