package import Records
internal import StrictJSON

/// Reads published verdicts back: for the labelling service, demonstrations and tests.
package struct VerdictDecoder: ~Copyable, Sendable {
  private var json = JSONParser()

  /// A decoder with buffers of its own; it serves one thread.
  package init() {}

  /// The verdict in a record's payload, whose format its headers tell; without them it has the
  /// default one.
  package mutating func decode(
    _ payload: [UInt8], headers: [Header], default format: PayloadFormat
  ) throws(DecodingFailure) -> Verdict {
    try decode(payload, as: PayloadFormat(headers: headers) ?? format)
  }

  /// The verdict in a payload.
  package mutating func decode(_ payload: [UInt8], as format: PayloadFormat)
    throws(DecodingFailure) -> Verdict
  {
    switch format {
    case .json:
      try json.parse(payload.span, malformed: DecodingFailure.malformed) {
        (document) throws(DecodingFailure) in
        try Verdict(json: document)
      }
    case .protobuf: try Verdict(protobuf: payload.span)
    }
  }
}
