/// A Kafka record header. The same name may occur several times in one record.
package struct Header: Hashable, Sendable {
  package let name: String
  package let value: [UInt8]?

  package init(name: String, value: [UInt8]?) {
    self.name = name
    self.value = value
  }

  package init(_ name: String, _ text: String) {
    self.init(name: name, value: Array(text.utf8))
  }
}

extension [Header] {
  /// The value of the last header of that name as text, nil when there is none or it is not UTF-8.
  package func text(of name: String) -> String? {
    guard let value = last(where: { $0.name == name })?.value else { return nil }
    return String(validating: value, as: UTF8.self)
  }
}

/// One record as it was read from Kafka.
package struct InputRecord: Hashable, Sendable {
  package let source: SourcePosition
  package let key: [UInt8]?
  /// The payload; nil is a tombstone.
  package let value: [UInt8]?
  package let headers: [Header]
  /// Milliseconds since 1970-01-01 UTC, as the producer or the broker set it; -1 when unknown.
  package let timestampMilliseconds: Int64

  package init(
    source: SourcePosition, key: [UInt8]?, value: [UInt8]?, headers: [Header] = [],
    timestampMilliseconds: Int64 = -1
  ) {
    self.source = source
    self.key = key
    self.value = value
    self.headers = headers
    self.timestampMilliseconds = timestampMilliseconds
  }

  /// Bytes that this record holds in a buffer: payload, key and headers.
  package var byteCount: Int {
    var count = (key?.count ?? 0) + (value?.count ?? 0)
    for header in headers { count += header.name.utf8.count + (header.value?.count ?? 0) }
    return count
  }
}

/// One record to be written to Kafka.
package struct OutputRecord: Hashable, Sendable {
  package let topic: String
  /// The partition to write to; nil leaves the choice to the key's hash.
  package let partition: Partition?
  package let key: [UInt8]?
  package let value: [UInt8]?
  package var headers: [Header]
  /// Milliseconds since 1970-01-01 UTC; nil leaves it to the moment of writing.
  package let timestampMilliseconds: Int64?

  package init(
    topic: String, partition: Partition?, key: [UInt8]?, value: [UInt8]?, headers: [Header] = [],
    timestampMilliseconds: Int64? = nil
  ) {
    self.topic = topic
    self.partition = partition
    self.key = key
    self.value = value
    self.headers = headers
    self.timestampMilliseconds = timestampMilliseconds
  }
}
