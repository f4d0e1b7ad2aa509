package import Records

/// The partitions that a group's leader gave a member, as members write them for one another
/// (Kafka's ConsumerProtocolAssignment: version, topics with their partitions, user data; integers
/// are big-endian).
package struct GroupAssignment {
  package let partitions: Set<TopicPartition>

  /// - Returns: nil for bytes that are no such assignment.
  package init?(_ bytes: [UInt8]) {
    var reader = BigEndianReader(bytes: bytes[...])
    // Later versions only add behind what the first one has.
    guard let version = reader.integer(Int16.self), version >= 0,
      let topics = reader.integer(Int32.self), topics >= 0
    else { return nil }
    var partitions: Set<TopicPartition> = []
    for _ in 0..<topics {
      guard let topic = reader.string(), let count = reader.integer(Int32.self), count >= 0 else {
        return nil
      }
      for _ in 0..<count {
        guard let number = reader.integer(Int32.self) else { return nil }
        partitions.insert(TopicPartition(topic: topic, partition: Partition(number)))
      }
    }
    self.partitions = partitions
  }
}

/// Reads integers and strings of Kafka's protocol; nil behind the end.
private struct BigEndianReader {
  var bytes: ArraySlice<UInt8>

  mutating func integer<Integer: FixedWidthInteger>(_: Integer.Type) -> Integer? {
    let size = MemoryLayout<Integer>.size
    guard bytes.count >= size else { return nil }
    defer { bytes = bytes.dropFirst(size) }
    return bytes.prefix(size).reduce(0) { $0 << 8 | Integer(truncatingIfNeeded: $1) }
  }

  mutating func string() -> String? {
    guard let length = integer(Int16.self), length >= 0, bytes.count >= length else { return nil }
    defer { bytes = bytes.dropFirst(Int(length)) }
    return String(decoding: bytes.prefix(Int(length)), as: UTF8.self)
  }
}
