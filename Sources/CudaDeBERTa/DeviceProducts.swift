internal import CudaDevice

/// Dense products on one stream: by the library where there is one, else by a kernel of our own.
final class DeviceProducts: @unchecked Sendable {
  // @unchecked Sendable: belongs to a lane, and who holds the lane is alone with it.
  private let format: NumberFormat
  private let kernel: CudaKernel
  private let library: (products: ProductLibrary, workspace: DeviceMemory)?
  /// The stream records: what it is given will run again and again.
  var isCapturing = false

  /// The library wants rows in multiples of this; there is memory for them.
  private static let rowStep = 16

  init(
    precision: Precision, kernel: CudaKernel, library: ProductLibrary?, in context: CudaContext
  ) throws(CudaFailure) {
    format = precision.format
    self.kernel = kernel
    self.library = try library.map { (products) throws(CudaFailure) in
      (products, try DeviceMemory(bytes: ProductLibrary.workspaceBytes, in: context))
    }
  }

  /// Whether the first product of a size takes much longer than later ones.
  var isSearching: Bool { library != nil }

  /// output (rows, outputs) = input (rows, inputs) · weightᵀ, and bias.
  func multiply(
    _ map: DeviceLinear, _ input: DeviceAddress, rows: Int, into output: DeviceAddress,
    addsBias: Bool, on stream: CudaStream
  ) throws(CudaFailure) {
    guard let library else {
      return try multiplyByKernel(map, input, rows, output, addsBias, stream)
    }
    let isNarrow = map.weightScale != .none
    let product = DenseProduct(
      format: isNarrow ? .e4m3 : format, outputFormat: format,
      rows: (rows + Self.rowStep - 1) / Self.rowStep * Self.rowStep, inputs: map.inputs,
      outputs: map.outputs, addsBias: addsBias)
    try library.products.multiply(
      product,
      DenseOperands(
        input: input, weight: map.weight, bias: map.roundedBias, output: output,
        weightScale: map.weightScale),
      workspace: library.workspace, on: stream, isCapturing: isCapturing)
  }

  private func multiplyByKernel(
    _ map: DeviceLinear, _ input: DeviceAddress, _ rows: Int, _ output: DeviceAddress,
    _ addsBias: Bool, _ stream: CudaStream
  ) throws(CudaFailure) {
    let tile = DeviceKernels.productTile
    try stream.launch(
      kernel, grid: ((map.outputs + tile - 1) / tile, (rows + tile - 1) / tile), threads: 128,
      sharedBytes: DeviceKernels.productSharedBytes,
      [
        .address(input), .address(map.weight), .address(addsBias ? map.bias : .none),
        .address(output), .int32(rows), .int32(map.inputs), .int32(map.outputs),
      ])
  }
}
