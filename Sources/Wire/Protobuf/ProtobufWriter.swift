import Records

/// Appends the fields of a protobuf message to a buffer.
///
/// Writing is done here and not by protobuf-c because its structs want pointers to every text for
/// as long as it packs. Texts hold any character, NUL included.
struct ProtobufWriter {
  private(set) var bytes: [UInt8]

  init(capacity: Int = 256) {
    bytes = []
    bytes.reserveCapacity(capacity)
  }

  private enum WireType: UInt64 {
    case varint = 0
    case fixed64 = 1
    case lengthDelimited = 2
    case fixed32 = 5
  }

  mutating func text(_ field: UInt64, _ value: String) {
    tag(field, .lengthDelimited)
    varint(UInt64(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }

  mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
    tag(field, .lengthDelimited)
    varint(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  mutating func boolean(_ field: UInt64, _ value: Bool) {
    tag(field, .varint)
    varint(value ? 1 : 0)
  }

  /// A field of any integer or enumeration type but the zigzag ones.
  mutating func integer(_ field: UInt64, _ value: Int64) {
    tag(field, .varint)
    varint(UInt64(bitPattern: value))
  }

  mutating func float(_ field: UInt64, _ value: Float) {
    tag(field, .fixed32)
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
    }
  }

  mutating func double(_ field: UInt64, _ value: Double) {
    tag(field, .fixed64)
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
    }
  }

  mutating func source(_ field: UInt64, _ position: SourcePosition) {
    var inner = ProtobufWriter(capacity: 48)
    inner.text(1, position.topic)
    inner.integer(2, Int64(position.partition.rawValue))
    inner.integer(3, position.offset.rawValue)
    bytes(field, inner.bytes)
  }

  mutating func coverage(_ field: UInt64, _ coverage: Coverage) {
    var inner = ProtobufWriter(capacity: 48)
    inner.integer(1, Int64(coverage.texts))
    inner.integer(2, Int64(coverage.judged))
    for (reason, count) in coverage.leftOut.sorted(by: { $0.key < $1.key }) {
      var entry = ProtobufWriter(capacity: 24)
      entry.text(1, reason)
      entry.integer(2, Int64(count))
      inner.bytes(3, entry.bytes)
    }
    bytes(field, inner.bytes)
  }

  mutating func category(_ field: UInt64, _ category: Category) {
    var inner = ProtobufWriter(capacity: 32)
    inner.text(1, category.name)
    inner.float(2, category.probability)
    bytes(field, inner.bytes)
  }

  mutating func metadata(_ field: UInt64, _ entries: [MetadataEntry]) {
    for entry in entries {
      var inner = ProtobufWriter()
      inner.text(1, entry.name)
      inner.text(2, entry.value)
      bytes(field, inner.bytes)
    }
  }

  private mutating func tag(_ field: UInt64, _ type: WireType) {
    varint(field << 3 | type.rawValue)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
