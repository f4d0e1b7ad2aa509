internal import CudaDevice
internal import Tensors

/// Brings parameters to a device, piece by piece through memory that it copies from.
final class WeightUploader {
  private static let pieceFloats = 1 << 20
  /// The largest number of E4M3.
  private static let narrowMax: Float = 448

  private let context: CudaContext
  private let stream: CudaStream
  private let conversion: CudaKernel
  private let narrowing: CudaKernel
  private let staging: PinnedMemory
  private let floats: DeviceMemory
  /// Everything that was brought so far; to be kept as long as the addresses are used.
  private(set) var memory: [DeviceMemory] = []

  /// - Parameters:
  ///   - conversion: rounds 32-bit floats to the 16 bits that the kernels use.
  ///   - narrowing: rounds them to 8 bits.
  init(
    conversion: CudaKernel, narrowing: CudaKernel, in context: CudaContext
  ) throws(CudaFailure) {
    self.narrowing = narrowing
    self.context = context
    self.conversion = conversion
    stream = try CudaStream(in: context)
    staging = try PinnedMemory(bytes: 4 * Self.pieceFloats, in: context)
    floats = try DeviceMemory(bytes: 4 * Self.pieceFloats, in: context)
  }

  /// Parameters one after the other, each value times `scale` rounded to 16 bits; none for no
  /// parameter.
  ///
  /// - Parameter rows: takes only so many of each.
  func rounded(
    _ parameters: [Parameter], rows: Int? = nil, scale: Float = 1
  ) throws(CudaFailure) -> DeviceAddress {
    try place(parameters, rows: rows, bytesEach: 2) { (count, target) throws(CudaFailure) in
      try stream.copy(staging, bytes: 4 * count, to: floats.address)
      try stream.launch(
        conversion, grid: ((count + 255) / 256, 1), threads: 256,
        [.address(floats.address), .address(target), .float(scale), .int32(count)])
    }
  }

  /// Parameters one after the other, each value divided by a common scale and rounded to 8 bits, so
  /// that the largest becomes the largest number of the format; and the place of the scale.
  func narrowed(
    _ parameters: [Parameter]
  ) throws(CudaFailure) -> (values: DeviceAddress, scale: DeviceAddress) {
    var largest: Float = 0
    for parameter in parameters {
      let values = parameter.values
      for index in values.indices { largest = max(largest, abs(values[index])) }
    }
    let scale = largest > 0 ? largest / Self.narrowMax : 1
    let values = try place(parameters, rows: nil, bytesEach: 1) {
      (count, target) throws(CudaFailure) in
      try stream.copy(staging, bytes: 4 * count, to: floats.address)
      try stream.launch(
        narrowing, grid: ((count + 511) / 512, 1), threads: 256,
        [.address(floats.address), .address(target), .float(1 / scale), .int32(count)])
    }
    return (values, try numbers([scale]))
  }

  /// Parameters one after the other, as 32-bit floats; none for no parameter.
  func exact(_ parameters: [Parameter]) throws(CudaFailure) -> DeviceAddress {
    try place(parameters, rows: nil, bytesEach: 4) { (count, target) throws(CudaFailure) in
      try stream.copy(staging, bytes: 4 * count, to: target)
    }
  }

  /// Zeros, in any format.
  func zeros(bytes: Int) throws(CudaFailure) -> DeviceAddress {
    let block = try DeviceMemory(bytes: bytes, in: context)
    memory.append(block)
    try stream.fill(block, with: 0)
    try stream.finish()
    return block.address
  }

  /// Numbers as they are.
  func numbers<Number: BitwiseCopyable>(_ numbers: [Number]) throws(CudaFailure) -> DeviceAddress {
    let bytes = numbers.count * MemoryLayout<Number>.stride
    let target = try allocate(bytes: bytes)
    staging.write(numbers.span, at: 0)
    try stream.copy(staging, bytes: bytes, to: target)
    try stream.finish()
    return target
  }

  private func place(
    _ parameters: [Parameter], rows: Int?, bytesEach: Int,
    bring: (_ count: Int, _ target: DeviceAddress) throws(CudaFailure) -> Void
  ) throws(CudaFailure) -> DeviceAddress {
    let counts = parameters.map { ($0.rows, $0.columns) }.map { min($0, rows ?? $0) * $1 }
    guard !parameters.isEmpty else { return .none }
    let start = try allocate(bytes: bytesEach * counts.reduce(0, +))
    var target = start
    for (parameter, count) in zip(parameters, counts) {
      for first in stride(from: 0, to: count, by: Self.pieceFloats) {
        let piece = first..<min(first + Self.pieceFloats, count)
        staging.write(parameter.values.extracting(piece), at: 0)
        try bring(piece.count, target)
        // The staging memory is written again next.
        try stream.finish()
        target = target.advanced(byBytes: bytesEach * piece.count)
      }
    }
    return start
  }

  private func allocate(bytes: Int) throws(CudaFailure) -> DeviceAddress {
    let block = try DeviceMemory(bytes: bytes, in: context)
    memory.append(block)
    return block.address
  }
}
