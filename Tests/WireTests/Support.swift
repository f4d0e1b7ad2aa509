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

/// A small generator, so that a failing seed can be repeated (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
