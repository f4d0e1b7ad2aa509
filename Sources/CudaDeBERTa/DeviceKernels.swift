internal import CudaDevice
internal import DeBERTa

/// The kernels of one precision and size of heads, loaded into a device.
struct DeviceKernels: Sendable {
  let activation: CudaKernel
  let attention: CudaKernel
  let classifier: CudaKernel
  let conversion: CudaKernel
  /// To 8 bits.
  let narrowing: CudaKernel
  let embedding: CudaKernel
  let firstTokens: CudaKernel
  let normalization: CudaKernel
  let product: CudaKernel
  /// Queries and keys that a block of `attention` takes at once.
  let attentionTile: Int
  /// Bytes of shared memory that such a block needs.
  let attentionSharedBytes: Int

  /// Rows of a block that gives each to a warp (`rowsPerBlock` in rows.cuh), and its threads.
  static let rowsPerBlock = 4
  static let rowThreads = 32 * rowsPerBlock
  /// Most columns of such a row.
  static var rowColumnsMax: Int { 256 * (rowParts.last ?? 0) }
  /// The sizes of rows that there are kernels for, in parts of 256 columns (FOR_ROW_PARTS in
  /// rows.cuh).
  private static let rowParts = [1, 2, 3, 4, 6, 8]
  /// Rows and columns of the results of a block of `product` (`productTile` in product.cu).
  static let productTile = 64
  /// Shared memory of a block of `product`: two pairs of tiles of 16-bit numbers.
  static let productSharedBytes = 2 * 2 * 2 * productTile * productTile

  /// - Parameter shape: whose rows have at most `rowColumnsMax` columns.
  init(
    precision: Precision, shape: ModelConfiguration, from cubins: CubinSource,
    in context: CudaContext
  ) throws(CudaFailure) {
    let architecture = context.device.architecture
    func module(_ source: KernelSource) throws(CudaFailure) -> CudaModule {
      try CudaModule(cubin: try cubins.cubin(source, architecture: architecture), in: context)
    }
    // Turing has too little shared memory for the larger tiles.
    let isTuring = context.device.capability.major < 8
    attentionTile = isTuring ? 32 : 64
    attentionSharedBytes = Self.attentionSharedBytes(
      headSize: shape.headSize, tile: attentionTile)
    let suffix = precision.wide.rawValue
    activation = try module(.activation).kernel("activation_\(suffix)")
    attention = try module(.attention).kernel(
      "attention_\(suffix)_\(shape.headSize)" + (isTuring ? "_tile32" : ""),
      sharedBytes: attentionSharedBytes)
    let conversions = try module(.conversion)
    conversion = try conversions.kernel("conversion_\(suffix)")
    narrowing = try conversions.kernel("conversion_fp8")
    func parts(of columns: Int) -> Int { Self.rowParts.first { columns <= 256 * $0 } ?? 0 }
    embedding = try module(.embedding).kernel("embedding_\(suffix)_\(parts(of: shape.embedding))")
    normalization = try module(.normalization).kernel(
      "normalization_\(suffix)_\(parts(of: shape.hidden))")
    let pooling = try module(.pooling)
    firstTokens = try pooling.kernel("first_tokens_\(suffix)")
    classifier = try pooling.kernel("classifier_\(suffix)")
    product = try module(.product).kernel("product_\(suffix)")
  }

  /// As `AttentionShape::sharedBytes` in attention.cu: keys and values, both tables' parts, both
  /// products with them, and slots; 16-bit numbers.
  private static func attentionSharedBytes(headSize: Int, tile: Int) -> Int {
    let keysAndValues = 2 * tile * headSize
    let tables = 2 * (2 * tile + 8) * headSize
    let products = 2 * tile * (tile + 24)
    return 2 * (keysAndValues + tables + products + 2 * tile)
  }
}
