import Records

/// The bytes that Confluent's serialisers put before a payload: a zero byte and the schema's
/// number in four bytes; before protobuf also the path of the message within its schema, a count
/// and as many numbers, or a single zero for the first message.
///
/// No JSON text and no protobuf message starts with a zero byte, so the framing needs no setting.
/// The schema's number is not looked up: the field numbers of proto/sluice.proto are fixed.
enum SchemaRegistryFraming {
  /// How deep a message may be nested in its schema.
  private static let indexesMax = 16

  /// How many bytes stand before the payload proper; 0 without framing.
  static func length(_ payload: Span<UInt8>, _ format: PayloadFormat) throws(DecodingFailure)
    -> Int
  {
    guard !payload.isEmpty, payload[0] == 0 else { return 0 }
    guard payload.count >= 5 else { throw .malformed("schema registry framing ends early") }
    switch format {
    case .json: return 5
    case .protobuf: return try lengthOfIndexes(payload, from: 5)
    }
  }

  private static func lengthOfIndexes(_ payload: Span<UInt8>, from start: Int)
    throws(DecodingFailure) -> Int
  {
    var position = start
    // Zigzag: the count n is written as 2n.
    let count = try number(payload, at: &position)
    guard count % 2 == 0, count / 2 <= indexesMax else {
      throw .malformed("schema registry framing: bad message index list")
    }
    for _ in 0..<count / 2 { _ = try number(payload, at: &position) }
    return position
  }

  private static func number(_ payload: Span<UInt8>, at position: inout Int)
    throws(DecodingFailure) -> UInt64
  {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 63, by: 7) {
      guard position < payload.count else {
        throw .malformed("schema registry framing ends early")
      }
      let byte = payload[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw .malformed("schema registry framing: bad message index list")
  }
}
