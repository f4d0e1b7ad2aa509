internal import CudaDevice

/// The numbers that a GPU multiplies; sums are 32-bit floats in all of them.
package enum Precision: String, Sendable, CaseIterable {
  /// IEEE binary16: 11 significant bits, up to 65504.
  case fp16
  /// The upper half of a 32-bit float: 8 significant bits, the same range. From sm_80.
  case bf16
  /// E4M3 in the dense products of all layers but the last, and fp16 elsewhere. From sm_89, and
  /// only with cuBLASLt.
  case fp8

  /// What is not multiplied in 8 bits.
  package var wide: Precision { self == .fp8 ? .fp16 : self }

  /// Whether products of most layers read 8-bit numbers.
  var isNarrow: Bool { self == .fp8 }

  /// The format of 16-bit numbers in device memory.
  var format: NumberFormat { self == .bf16 ? .bf16 : .fp16 }
}
