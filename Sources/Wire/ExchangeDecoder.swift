package import Records
internal import StrictJSON

/// Reads exchanges from records' payloads: JSON or protobuf, bare or with the framing of a schema
/// registry.
///
/// A record says its format in the `content-type` header; one without has the configured default.
/// One decoder serves one thread: it keeps its buffers from record to record.
package struct ExchangeDecoder: ~Copyable, Sendable {
  /// The format of records that do not say theirs.
  package let defaultFormat: PayloadFormat
  private let conversations: ConversationRules
  private var json = JSONParser()

  /// A decoder with buffers of its own.
  ///
  /// - Parameter conversations: how a list of messages becomes an exchange.
  package init(
    defaultFormat: PayloadFormat, conversations: ConversationRules = ConversationRules()
  ) {
    self.defaultFormat = defaultFormat
    self.conversations = conversations
  }

  /// The format of a record with these headers.
  package func format(of headers: [Header]) throws(DecodingFailure) -> PayloadFormat {
    try PayloadFormat(headers: headers) ?? defaultFormat
  }

  /// The exchange in a record's payload.
  package mutating func decode(_ payload: [UInt8], headers: [Header]) throws(DecodingFailure)
    -> Exchange
  {
    try decode(payload.span, as: format(of: headers))
  }

  /// The exchange in a payload whose format is known.
  package mutating func decode(_ payload: Span<UInt8>, as format: PayloadFormat)
    throws(DecodingFailure) -> Exchange
  {
    let body = try payload.extracting(droppingFirst: SchemaRegistryFraming.length(payload, format))
    switch format {
    case .json:
      let read = try json.parse(body, malformed: DecodingFailure.malformed) {
        (document) throws(DecodingFailure) in
        try JSONExchange(document)
      }
      return try read.exchange(conversations, with: &json)
    case .protobuf: return try Exchange(protobuf: body)
    }
  }
}
