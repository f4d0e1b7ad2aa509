package import Records

/// Writes a dead letter together with its record's payload as one message, for `sluice dead-letter
/// list` and for archives; on the dead-letter topic the same facts are headers.
package enum DeadLetterEncoder {
  /// The message; `payload` is the record's value, nil for a tombstone. In JSON it is base 64.
  package static func encode(
    _ letter: DeadLetter, payload: [UInt8]?, as format: PayloadFormat
  ) -> [UInt8] {
    switch format {
    case .json: json(letter, payload: payload)
    case .protobuf: protobuf(letter, payload: payload)
    }
  }

  private static func json(_ letter: DeadLetter, payload: [UInt8]?) -> [UInt8] {
    var writer = JSONWriter(capacity: 256 + (payload?.count ?? 0) * 4 / 3)
    writer.beginObject()
    writer.name("reason")
    writer.text(letter.reason.rawValue)
    writer.name("detail")
    writer.text(letter.detail)
    writer.position("source", letter.source)
    writer.name("attempts")
    writer.number(letter.attempts)
    if let model = letter.model {
      writer.name("model")
      writer.text(model)
    }
    if let payload {
      writer.name("payload")
      writer.base64(payload)
    }
    writer.endObject()
    return writer.bytes
  }

  private static func protobuf(_ letter: DeadLetter, payload: [UInt8]?) -> [UInt8] {
    var writer = ProtobufWriter(capacity: 256 + (payload?.count ?? 0))
    writer.integer(1, letter.reason.protobufNumber)
    writer.text(2, letter.detail)
    writer.source(3, letter.source)
    writer.integer(4, Int64(letter.attempts))
    if let model = letter.model { writer.text(5, model) }
    if let payload { writer.bytes(6, payload) }
    return writer.bytes
  }
}
