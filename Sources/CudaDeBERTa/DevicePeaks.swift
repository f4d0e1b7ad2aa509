package import CudaDevice

/// What a GPU does at best, measured: the ceilings to judge kernels by.
package struct DevicePeaks: Sendable {
  /// Operations a second of a large dense product by cuBLASLt, for each precision that runs; random
  /// numbers, since zeros run faster.
  package let operations: [Precision: Double]
  /// Bytes a second of a copy within the device, reads and writes both counted.
  package let bytes: Double

  private static let repetitions = 10

  /// Measures for about a second.
  ///
  /// - Parameter size: rows and columns of the product's matrices.
  package init(of engine: CudaEngine, size: Int = 8192) throws(CudaFailure) {
    let context = engine.context
    let stream = try CudaStream(in: context)
    let matrices = 2 * size * size
    let operands = try (0..<3).map { _ throws(CudaFailure) in
      try DeviceMemory(bytes: matrices, in: context)
    }
    for operand in operands { try RandomOperands.fill(operand, on: stream) }
    bytes =
      try Self.rate(on: stream) { () throws(CudaFailure) in
        try stream.copy(operands[0], to: operands[1])
        return Double(2 * matrices)
      }
    var operations: [Precision: Double] = [:]
    if let library = engine.products {
      let workspace = try DeviceMemory(bytes: ProductLibrary.workspaceBytes, in: context)
      let scale = try DeviceMemory(bytes: 256, in: context)
      try stream.fill(scale, with: 0x3C)
      for precision in Precision.allCases {
        let product = DenseProduct(
          format: precision.isNarrow ? .e4m3 : precision.format, outputFormat: precision.format,
          rows: size, inputs: size, outputs: size, addsBias: false)
        operations[precision] = try? Self.rate(on: stream) { () throws(CudaFailure) in
          try library.multiply(
            product,
            DenseOperands(
              input: operands[0].address, weight: operands[1].address, bias: .none,
              output: operands[2].address, weightScale: scale.address),
            workspace: workspace, on: stream)
          return 2 * Double(size) * Double(size) * Double(size)
        }
      }
    }
    self.operations = operations
  }

  /// The median rate of what `body` does, in the unit of its result.
  private static func rate(
    on stream: CudaStream, _ body: () throws(CudaFailure) -> Double
  ) throws(CudaFailure) -> Double {
    _ = try body()
    try stream.finish()
    var rates: [Double] = []
    for _ in 0..<repetitions {
      let start = try CudaEvent(in: stream.context, isTimed: true)
      let end = try CudaEvent(in: stream.context, isTimed: true)
      try start.record(on: stream)
      let amount = try body()
      try end.record(on: stream)
      try end.wait()
      rates.append(amount / (try end.milliseconds(since: start) / 1000))
    }
    return rates.sorted()[rates.count / 2]
  }
}
