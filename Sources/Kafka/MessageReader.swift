internal import CRdKafka
internal import Records

/// Turns librdkafka's messages into records.
///
/// Topic names are made once per topic and assignment instead of once per message.
struct MessageReader {
  private var generation = 0
  /// Names by the address of the topic's handle, which is compared and never followed.
  private var topics: [(address: UInt, name: String)] = []
  private var last = 0

  init() {}

  /// The record in `message`; `generation` counts the assignments, since a topic's handle is only
  /// known to stay the same one within an assignment.
  mutating func record(
    _ message: UnsafeMutablePointer<rd_kafka_message_t>, generation: Int
  ) -> InputRecord {
    if generation != self.generation {
      topics.removeAll()
      self.generation = generation
    }
    var timestampType = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let timestamp = unsafe rd_kafka_message_timestamp(message, &timestampType)
    let partition = TopicPartition(
      topic: unsafe topicName(message.pointee.rkt),
      partition: Partition(unsafe message.pointee.partition))
    return InputRecord(
      source: SourcePosition(
        topicPartition: partition, offset: Offset(unsafe message.pointee.offset)),
      key: unsafe bytes(message.pointee.key, message.pointee.key_len),
      value: unsafe bytes(message.pointee.payload, message.pointee.len),
      headers: unsafe headers(of: message),
      timestampMilliseconds: timestampType == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp)
  }

  private mutating func topicName(_ handle: OpaquePointer) -> String {
    let address = UInt(bitPattern: handle)
    if last < topics.count, topics[last].address == address { return topics[last].name }
    if let position = topics.firstIndex(where: { $0.address == address }) {
      last = position
      return topics[position].name
    }
    let name = unsafe String(cString: rd_kafka_topic_name(handle))
    topics.append((address, name))
    last = topics.count - 1
    return name
  }

  private func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
    guard let start = unsafe start else { return nil }
    return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
  }

  private func headers(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> [Header] {
    var list: OpaquePointer?
    guard unsafe rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR,
      let list = unsafe list
    else { return [] }
    let count = unsafe rd_kafka_header_cnt(list)
    var headers: [Header] = []
    headers.reserveCapacity(count)
    for index in 0..<count {
      var name: UnsafePointer<CChar>?
      var value: UnsafeRawPointer?
      var valueCount = 0
      let code = unsafe rd_kafka_header_get_all(list, index, &name, &value, &valueCount)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let name = unsafe name else { continue }
      headers.append(
        Header(name: unsafe String(cString: name), value: unsafe bytes(value, valueCount)))
    }
    return headers
  }
}
