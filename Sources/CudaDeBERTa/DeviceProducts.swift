internal import CudaDevice

/// Dense products: by the library where there is one, else by a kernel of our own.
struct DeviceProducts: Sendable {
  let kernel: CudaKernel

  /// output (rows, outputs) = input (rows, inputs) · weightᵀ, and bias.
  func multiply(
    _ map: DeviceLinear, _ input: DeviceAddress, rows: Int, into output: DeviceAddress,
    addsBias: Bool, on stream: CudaStream
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
