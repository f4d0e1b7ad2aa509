/// The CUDA C++ of the kernels, which is part of the program.
package enum KernelSource: String, CaseIterable, Sendable {
  case activation
  case attention
  case conversion
  case embedding
  case normalization
  case pooling
  case product

  /// As compilers show it.
  package var name: String { "\(rawValue).cu" }

  package var text: String {
    switch self {
    case .activation: Self.text(PackageResources.activation_cu)
    case .attention: Self.text(PackageResources.attention_cu)
    case .conversion: Self.text(PackageResources.conversion_cu)
    case .embedding: Self.text(PackageResources.embedding_cu)
    case .normalization: Self.text(PackageResources.normalization_cu)
    case .pooling: Self.text(PackageResources.pooling_cu)
    case .product: Self.text(PackageResources.product_cu)
    }
  }

  /// What the sources include, by name.
  package static var headers: [String: String] {
    [
      "device.cuh": text(PackageResources.device_cuh),
      "rows.cuh": text(PackageResources.rows_cuh),
      "tiles.cuh": text(PackageResources.tiles_cuh),
    ]
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
