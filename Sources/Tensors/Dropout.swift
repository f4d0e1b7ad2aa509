internal import Basics
import CKernels

/// Dropout from a counter: what is dropped depends on the key and the place only, so a backward
/// pass, a recomputed forward pass and a resumed training drop the same.
package struct Dropout: Sendable, Equatable {
  /// The share of values that becomes 0.
  package let probability: Float
  private let key: UInt64

  /// Drops nothing when `probability` is 0.
  package init(probability: Float, seed: UInt64) {
    precondition(0 <= probability && probability < 1, "not everything can be dropped")
    self.probability = probability
    key = mix64(seed &+ SplitMix64.increment)
  }

  private init(probability: Float, key: UInt64) {
    self.probability = probability
    self.key = key
  }

  /// Dropout for one of many uses, independent of the others.
  package func use(_ index: Int) -> Dropout {
    Dropout(
      probability: probability,
      key: mix64(key ^ (UInt64(bitPattern: Int64(index)) &* 0xD1B5_4A32_D192_ED03)))
  }

  /// Applies itself to a block whose first value has the number `first`.
  func apply(to block: Block, first: Int) {
    guard probability > 0 else { return }
    let dropBelow = UInt32(Double(probability) * 0x1p32)
    unsafe kernel_dropout(
      block.base, block.stride, block.rows, block.columns, key, UInt32(truncatingIfNeeded: first),
      dropBelow, 1 / (1 - probability))
  }
}
