/// The numbers that a GPU multiplies; sums are 32-bit floats in either.
package enum Precision: String, Sendable, CaseIterable {
  /// IEEE binary16: 11 significant bits, up to 65504.
  case fp16
  /// The upper half of a 32-bit float: 8 significant bits, the same range. From sm_80.
  case bf16
}
