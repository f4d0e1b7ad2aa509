import Records
import Testing
import Wire

/// What became of a payload: the exchange, or the failure as `reason: detail`.
func decode(
  _ payload: [UInt8], headers: [Header] = [], default format: PayloadFormat = .json,
  conversations: ConversationRules = ConversationRules()
) -> Result<Exchange, DecodingFailure> {
  var decoder = ExchangeDecoder(defaultFormat: format, conversations: conversations)
  do {
    return .success(try decoder.decode(payload, headers: headers))
  } catch {
    return .failure(error)
  }
}

/// As above, for JSON text.
func decode(
  _ text: String, conversations: ConversationRules = ConversationRules()
) -> Result<Exchange, DecodingFailure> {
  decode(Array(text.utf8), conversations: conversations)
}

extension Result<Exchange, DecodingFailure> {
  /// The reason of a failure; nil for an exchange.
  var reason: DeadLetterReason? {
    if case .failure(let failure) = self { failure.reason } else { nil }
  }
}

/// A length-delimited protobuf field of fewer than 128 bytes.
func field(_ number: UInt8, _ value: [UInt8]) -> [UInt8] {
  precondition(value.count < 128)
  return [number << 3 | 2, UInt8(value.count)] + value
}

func field(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
