/// A small random generator (Steele, Lea and Flood 2014) whose streams are told apart by numbers, so
/// that any replicate can be drawn again without those before it.
struct SplitMix64 {
  private var state: UInt64

  /// The generator of one replicate of one stream.
  init(seed: UInt64, stream: UInt64, replicate: UInt64) {
    state = seed
    for number in [stream, replicate] { state = next() ^ Self.mixed(number &+ Self.step) }
  }

  mutating func next() -> UInt64 {
    state &+= Self.step
    return Self.mixed(state)
  }

  /// A number from 0 to `bound - 1`, by the high half of a product: the bias is below 2^-32 for any
  /// number of rows that fits in memory.
  mutating func next(below bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  private static func mixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
