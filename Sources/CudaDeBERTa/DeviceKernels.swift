internal import CudaDevice

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

  /// Threads of a block that owns one row (`rowThreads` in rows.cuh).
  static let rowThreads = 128
  /// Rows and columns of the results of a block of `product` (`productTile` in product.cu).
  static let productTile = 64
  /// Shared memory of a block of `product`: two pairs of tiles of 16-bit numbers.
  static let productSharedBytes = 2 * 2 * 2 * productTile * productTile

  init(
    precision: Precision, headSize: Int, rowColumns: Int, from cubins: CubinSource,
    in context: CudaContext
  ) throws(CudaFailure) {
    let architecture = context.device.architecture
    func module(_ source: KernelSource) throws(CudaFailure) -> CudaModule {
      try CudaModule(cubin: try cubins.cubin(source, architecture: architecture), in: context)
    }
    // Turing has too little shared memory for the larger tiles.
    let isTuring = context.device.capability.major < 8
    attentionTile = isTuring ? 32 : 64
    attentionSharedBytes = Self.attentionSharedBytes(headSize: headSize, tile: attentionTile)
    let suffix = precision.wide.rawValue
    activation = try module(.activation).kernel("activation_\(suffix)")
    attention = try module(.attention).kernel(
      "attention_\(suffix)_\(headSize)" + (isTuring ? "_tile32" : ""),
      sharedBytes: attentionSharedBytes)
    let conversions = try module(.conversion)
    conversion = try conversions.kernel("conversion_\(suffix)")
    narrowing = try conversions.kernel("conversion_fp8")
    let rowBytes = Self.rowSharedBytes(columns: rowColumns)
    embedding = try module(.embedding).kernel("embedding_\(suffix)", sharedBytes: rowBytes)
    normalization = try module(.normalization).kernel(
      "normalization_\(suffix)", sharedBytes: rowBytes)
    let pooling = try module(.pooling)
    firstTokens = try pooling.kernel("first_tokens_\(suffix)")
    classifier = try pooling.kernel("classifier_\(suffix)")
    product = try module(.product).kernel("product_\(suffix)")
  }

  /// Shared memory of a block that owns a row (`RowMemory` in rows.cuh).
  static func rowSharedBytes(columns: Int) -> Int { 4 * (columns + rowThreads / 32) }

  /// As `AttentionShape::sharedBytes` in attention.cu: keys and values, both tables' parts, both
  /// products with them, and slots; 16-bit numbers.
  private static func attentionSharedBytes(headSize: Int, tile: Int) -> Int {
    let keysAndValues = 2 * tile * headSize
    let tables = 2 * (2 * tile + 8) * headSize
    let products = 2 * tile * (tile + 24)
    return 2 * (keysAndValues + tables + products + 2 * tile)
  }
}
