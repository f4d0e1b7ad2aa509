internal import CCuda

/// Formats of the numbers in device memory.
package enum NumberFormat: Hashable, Sendable {
  case fp16
  case bf16
  /// 8 bits: 4 of exponent, 3 of mantissa, up to 448. From sm_89.
  case e4m3

  /// cudaDataType.
  var type: Int32 {
    switch self {
    case .fp16: Int32(CCUDA_TYPE_FP16)
    case .bf16: Int32(CCUDA_TYPE_BF16)
    case .e4m3: Int32(CCUDA_TYPE_E4M3)
    }
  }
}

/// A dense product: output (rows, outputs) = input (rows, inputs) · weightᵀ + bias, all row-major.
package struct DenseProduct: Hashable, Sendable {
  /// Of input and weight (outputs, inputs).
  package let format: NumberFormat
  /// Of output and bias: fp16 or bf16.
  package let outputFormat: NumberFormat
  package let rows: Int
  package let inputs: Int
  package let outputs: Int
  package let addsBias: Bool

  package init(
    format: NumberFormat, outputFormat: NumberFormat, rows: Int, inputs: Int, outputs: Int,
    addsBias: Bool
  ) {
    self.format = format
    self.outputFormat = outputFormat
    self.rows = rows
    self.inputs = inputs
    self.outputs = outputs
    self.addsBias = addsBias
  }

  /// The product whose best algorithm serves this one, too: with rows rounded up.
  var searched: DenseProduct {
    DenseProduct(
      format: format, outputFormat: outputFormat,
      rows: Self.searchedRows(upTo: rows).last ?? rows, inputs: inputs, outputs: outputs,
      addsBias: addsBias)
  }

  /// The numbers of rows for which algorithms are searched, up to the first that holds `rows`.
  package static func searchedRows(upTo rows: Int) -> [Int] {
    var found: [Int] = []
    var next = 256
    while (found.last ?? 0) < rows {
      found.append(next)
      next += next < 2048 ? 256 : 1024
    }
    return found
  }
}

/// Where the operands of a product stand.
package struct DenseOperands: Sendable {
  package let input: DeviceAddress
  package let weight: DeviceAddress
  package let bias: DeviceAddress
  package let output: DeviceAddress
  /// What 8-bit weights are to be multiplied by, a 32-bit float in device memory. (8-bit inputs are
  /// taken as they are.)
  package let weightScale: DeviceAddress

  package init(
    input: DeviceAddress, weight: DeviceAddress, bias: DeviceAddress, output: DeviceAddress,
    weightScale: DeviceAddress = .none
  ) {
    self.input = input
    self.weight = weight
    self.bias = bias
    self.output = output
    self.weightScale = weightScale
  }
}

/// A product in cuBLASLt's words. Its matrices are column-major, so the row-major output is the
/// transposed D = Aᵀ · B with the weight as A and the input as B.
@safe struct ProductDescription: ~Copyable {
  private let table: ccuda_products
  private(set) var operation: ccuda_operation?
  private(set) var weight: ccuda_layout?
  private(set) var input: ccuda_layout?
  private(set) var output: ccuda_layout?

  init(
    _ product: DenseProduct, _ operands: DenseOperands, _ table: ccuda_products
  ) throws(CudaFailure) {
    self.table = table
    try CudaProducts.check(
      "cublasLtMatmulDescCreate",
      unsafe table.create_operation(
        &operation, Int32(CCUDA_COMPUTE_FP32), Int32(CCUDA_TYPE_FP32)))
    try set(CCUDA_OPERATION_TRANSPOSE_A, Int32(CCUDA_TRANSPOSED))
    if product.addsBias {
      try set(CCUDA_OPERATION_EPILOGUE, Int32(CCUDA_EPILOGUE_BIAS))
      try set(CCUDA_OPERATION_BIAS, operands.bias.value)
    }
    if product.format == .e4m3 {
      try set(CCUDA_OPERATION_FAST_ACCUMULATION, Int8(1))
      try set(CCUDA_OPERATION_A_SCALE, operands.weightScale.value)
    }
    let (rows, inputs, outputs) = (product.rows, product.inputs, product.outputs)
    unsafe weight = try unsafe layout(product.format, inputs, outputs)
    unsafe input = try unsafe layout(product.format, inputs, rows)
    unsafe output = try unsafe layout(product.outputFormat, outputs, rows)
  }

  deinit {
    if let operation = unsafe operation { _ = unsafe table.destroy_operation(operation) }
    if let weight = unsafe weight { _ = unsafe table.destroy_layout(weight) }
    if let input = unsafe input { _ = unsafe table.destroy_layout(input) }
    if let output = unsafe output { _ = unsafe table.destroy_layout(output) }
  }

  private func set<Value: BitwiseCopyable>(
    _ attribute: Int, _ value: Value
  ) throws(CudaFailure) {
    let status = unsafe withUnsafeBytes(of: value) { bytes in
      unsafe table.set_operation(operation, Int32(attribute), bytes.baseAddress, bytes.count)
    }
    try CudaProducts.check("cublasLtMatmulDescSetAttribute", status)
  }

  private func layout(
    _ format: NumberFormat, _ rows: Int, _ columns: Int
  ) throws(CudaFailure) -> ccuda_layout? {
    var layout: ccuda_layout?
    try CudaProducts.check(
      "cublasLtMatrixLayoutCreate",
      unsafe table.create_layout(
        &layout, format.type, UInt64(rows), UInt64(columns), Int64(rows)))
    return unsafe layout
  }
}
