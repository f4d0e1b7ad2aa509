package import CudaDevice
package import DeBERTa

/// Which models GPUs compute, whichever GPU it is.
extension CudaClassifier {
  /// Refuses what the kernels do not compute.
  package static func check(
    _ shape: ModelConfiguration, _ labels: LabelScheme, _ precision: Precision
  ) throws(CudaFailure) {
    guard labels.isBinary else { throw .unsupported(reason: labels.summary) }
    try checkKind(shape)
    if precision.isNarrow, shape.hidden % 16 != 0 || shape.intermediate % 16 != 0 {
      throw .unsupported(reason: "fp8 with sizes that are no multiples of 16")
    }
    guard [16, 32, 64].contains(shape.headSize) else {
      throw .unsupported(
        reason: "heads of \(shape.headSize) values; 16, 32 and 64 are computed")
    }
    let sizes = [shape.hidden, shape.embedding, shape.intermediate]
    guard sizes.allSatisfy({ $0 % 8 == 0 }) else {
      throw .unsupported(reason: "sizes \(sizes); multiples of 8 are computed")
    }
    let columnsMax = DeviceKernels.rowColumnsMax
    guard shape.hidden <= columnsMax, shape.embedding <= columnsMax else {
      throw .unsupported(
        reason: "rows of \(shape.hidden) values; up to \(columnsMax) are computed")
    }
  }

  /// Refuses the kinds of models that only the CPU computes.
  private static func checkKind(_ shape: ModelConfiguration) throws(CudaFailure) {
    func refuse(_ reason: String) -> CudaFailure { .unsupported(reason: reason) }
    guard shape.backbone == .debertaV2 else {
      throw refuse("\(shape.backbone.rawValue) models; deberta-v2 is computed")
    }
    guard shape.convolution == nil else { throw refuse("a convolution") }
    guard shape.tokenTypes <= 1 else {
      throw refuse("\(shape.tokenTypes) token types; none or one are computed")
    }
    guard shape.poolerActivation == .gelu else {
      throw refuse("\(shape.poolerActivation.rawValue) in the pooler; gelu is computed")
    }
  }
}
