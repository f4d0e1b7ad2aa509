/// The random generator of this program (Steele, Lea and Flood 2014): small, quick, and the same
/// for the same seed on every machine. It keeps no secret.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  /// What the state grows by with each number.
  @inlinable package static var increment: UInt64 { 0x9E37_79B9_7F4A_7C15 }

  @usableFromInline var state: UInt64

  package init(seed: UInt64) { state = seed }

  @inlinable package mutating func next() -> UInt64 {
    state &+= Self.increment
    return mix64(state)
  }

  /// A number from 0 to `bound - 1`, by the high half of a product: even to one part in 2^32 for
  /// any number of rows that fits in memory.
  @inlinable package mutating func next(below bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }
}

/// Mixes a number so that each bit of the result depends on all of its bits: SplitMix64's
/// finaliser.
@inlinable package func mix64(_ number: UInt64) -> UInt64 {
  var mixed = number
  mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
  mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
  return mixed ^ (mixed >> 31)
}

/// FNV-1a with 64 bits (Fowler, Noll and Vo): a hash for short contents that nobody forges.
package struct FNV1a: Sendable {
  @usableFromInline var state: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  /// The hash of what was added so far.
  package var value: UInt64 { state }

  /// Takes in a number, which may have more bits than the octets of the original.
  @inlinable package mutating func add(_ number: UInt64) {
    state = (state ^ number) &* 0x0000_0100_0000_01B3
  }
}

extension UInt64 {
  /// A random number's upper 53 bits as a number from 0 to below 1.
  @inlinable package var fraction: Double { Double(self >> 11) * 0x1p-53 }

  /// Its eight bytes, the least significant first.
  package var littleEndianBytes: [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
  }
}
