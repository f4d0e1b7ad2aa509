/// The numbers that training multiplies. Weights, gradients, sums and all that is not a linear map
/// are 32-bit floats in both.
package enum TrainingPrecision: String, Codable, Sendable, CaseIterable {
  case fp32
  /// The upper halves of 32-bit floats, to which both operands are rounded for each product
  /// (mixed precision, arXiv 1710.03740; bfloat16 needs no scaled loss, arXiv 1905.12322).
  case bf16

  /// Of this processor.
  package static var fastest: TrainingPrecision { ProductFormat.bf16.isFast ? .bf16 : .fp32 }
}
