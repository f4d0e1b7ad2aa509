import CKernels

/// The numbers that packed products multiply; their sums are 32-bit floats.
package enum ProductFormat: String, Sendable, CaseIterable {
  /// The upper halves of 32-bit floats: 8 significant bits, the same range.
  case bf16
  /// Whole numbers of 8 bits: a scale for each output of a weight, and one for each row of what it
  /// is applied to, found anew each time.
  case int8

  /// Whether this processor multiplies them faster than floats.
  package var isFast: Bool { ProductLevel.fastest(for: self) != .plain }

  var kernel: product_format { self == .bf16 ? PRODUCT_BFLOAT : PRODUCT_BYTE }
}

/// The instructions that multiply.
package enum ProductLevel: String, Sendable, CaseIterable {
  /// No special ones: for comparison.
  case plain
  /// Arm's BF16 and I8MM.
  case bits128
  /// AVX-VNNI.
  case bits256
  /// AVX-512 with BF16 or VNNI.
  case bits512

  var kernel: product_level {
    switch self {
    case .plain: PRODUCT_PLAIN
    case .bits128: PRODUCT_128
    case .bits256: PRODUCT_256
    case .bits512: PRODUCT_512
    }
  }

  /// Whether this processor has them.
  package func runs(_ format: ProductFormat) -> Bool {
    kernel_product_runs(format.kernel, kernel) != 0
  }

  static func fastest(for format: ProductFormat) -> ProductLevel {
    allCases.last { $0.runs(format) } ?? .plain
  }
}

/// A weight and its bias in the order in which products read them: panels of 64 outputs, in which
/// the two or four inputs that one instruction takes stand side by side.
@safe package final class PackedWeight: @unchecked Sendable {
  // @unchecked Sendable: nobody writes the memory after `init`.

  let format: ProductFormat
  let inputs: Int
  let outputs: Int
  private let level: ProductLevel
  /// Panels (padded inputs, 64), of either format, one after the other.
  private let panels: UnsafeMutableRawPointer
  /// Of each output, for bytes.
  private let scales: UnsafeMutablePointer<Float>
  private let sums: UnsafeMutablePointer<Float>
  private let bias: UnsafeMutablePointer<Float>?
  /// Multiply the inputs before they are packed; nil for none.
  private let inputFactors: [Float]?

  static let panel = Int(KERNEL_PANEL)

  /// Packs `weight` (outputs, inputs); `bias` is (outputs).
  ///
  /// - Parameter magnitudes: how large each input becomes (inputs), by which bytes move what is
  ///   hard to round from inputs to weights (SmoothQuant, arXiv 2211.10438, equation 4); nil leaves
  ///   both as they are.
  package init(
    _ weight: Parameter, bias: Parameter?, as format: ProductFormat, magnitudes: [Float]? = nil,
    level: ProductLevel? = nil, on pool: WorkerPool
  ) {
    precondition(level?.runs(format) ?? true, "the processor lacks the instructions")
    self.format = format
    self.level = level ?? .fastest(for: format)
    (outputs, inputs) = (weight.rows, weight.columns)
    let count = (weight.rows + Self.panel - 1) / Self.panel
    let panelBytes = Self.panel * format.bytes(ofInputs: weight.columns)
    unsafe panels = .allocate(byteCount: count * panelBytes, alignment: 64)
    unsafe scales = .allocate(capacity: count * Self.panel)
    unsafe sums = .allocate(capacity: count * Self.panel)
    if let bias {
      let copy = UnsafeMutablePointer<Float>.allocate(capacity: count * Self.panel)
      unsafe copy.initialize(repeating: 0, count: count * Self.panel)
      for index in bias.values.indices { unsafe copy[index] = bias.values[index] }
      unsafe self.bias = unsafe copy
    } else {
      unsafe self.bias = nil
    }
    let smoothing = format == .int8 ? magnitudes.map { Smoothing(weight, inputs: $0) } : nil
    inputFactors = smoothing?.inputFactors
    let weightFactors = smoothing?.weightFactors
    let source = unsafe weight.block
    pool.parallelFor(count) { index, _ in
      let first = index * Self.panel
      unsafe pack(
        source.part(
          rows: first..<min(first + Self.panel, source.rows), columns: 0..<source.columns),
        times: weightFactors, into: index)
    }
  }

  deinit {
    unsafe panels.deallocate()
    unsafe scales.deallocate()
    unsafe sums.deallocate()
    unsafe bias?.deallocate()
  }

  private func panel(_ index: Int) -> UnsafeMutableRawPointer {
    unsafe panels + index * Self.panel * format.bytes(ofInputs: inputs)
  }

  private func pack(_ part: Block, times factors: [Float]?, into index: Int) {
    let first = index * Self.panel
    switch format {
    case .bf16:
      unsafe kernel_pack_bfloat(
        part.base, part.stride, part.rows, part.columns,
        panel(index).assumingMemoryBound(to: UInt16.self))
    case .int8:
      unsafe kernel_pack_bytes(
        part.base, part.stride, part.rows, part.columns, factors,
        panel(index).assumingMemoryBound(to: Int8.self), scales + first, sums + first)
    }
  }

  /// Packs rows of floats (rows, inputs) as what they are multiplied with.
  func pack(_ rows: Block, into target: PackedRows.Memory) {
    switch format {
    case .bf16:
      unsafe kernel_rows_to_bfloat(
        rows.base, rows.stride, rows.rows, rows.columns,
        target.values.assumingMemoryBound(to: UInt16.self))
    case .int8:
      unsafe kernel_rows_to_bytes(
        rows.base, rows.stride, rows.rows, rows.columns, inputFactors,
        target.values.assumingMemoryBound(to: UInt8.self), target.scales)
    }
  }

  /// output (rows, columns) = finish(rows times the weights of these outputs); they begin with a
  /// panel.
  func multiply(
    _ rows: PackedRows.Memory, outputs columns: Range<Int>, finish: CPUDevice.Finish,
    into output: Block
  ) {
    let padded = kernel_padded_inputs(format.kernel, inputs)
    for first in stride(from: columns.lowerBound, to: columns.upperBound, by: Self.panel) {
      var target = unsafe product_output(
        values: output.base + first - columns.lowerBound, stride: output.stride,
        columns: min(Self.panel, columns.upperBound - first), bias: nil, finish: PRODUCT_SUM,
        adds: 0)
      if let bias = unsafe bias {
        switch finish {
        case .product: break
        case .bias: unsafe target.bias = unsafe UnsafePointer(bias + first)
        case .biasAnd(let activation):
          unsafe target.bias = unsafe UnsafePointer(bias + first)
          unsafe target.finish = activation == .gelu ? PRODUCT_GELU : PRODUCT_TANH
        }
      }
      let weights = unsafe panel(first / Self.panel)
      switch format {
      case .bf16:
        unsafe kernel_product_bfloat(
          level.kernel, rows.values.assumingMemoryBound(to: UInt16.self), output.rows, padded,
          weights.assumingMemoryBound(to: UInt16.self), &target)
      case .int8:
        var panel = unsafe byte_panel(
          weights: weights.assumingMemoryBound(to: Int8.self), scales: scales + first,
          sums: sums + first)
        unsafe kernel_product_bytes(
          level.kernel, rows.values.assumingMemoryBound(to: UInt8.self), rows.scales, output.rows,
          padded, &panel, &target)
      }
    }
  }
}

/// What inputs and weights are multiplied with, so that their product stays and both are as easy to
/// round.
private struct Smoothing {
  let inputFactors: [Float]
  let weightFactors: [Float]

  init(_ weight: Parameter, inputs magnitudes: [Float]) {
    precondition(magnitudes.count == weight.columns, "one magnitude per input")
    var largest = [Float](repeating: 0, count: weight.columns)
    for row in 0..<weight.rows {
      for column in 0..<weight.columns {
        largest[column] = max(largest[column], abs(weight.values[row * weight.columns + column]))
      }
    }
    weightFactors = zip(magnitudes, largest).map { input, weight in
      // An input that was never seen, or that nothing reads, stays as it is.
      let factor = (input / weight).squareRoot()
      return factor.isNormal ? min(max(factor, 1e-3), 1e3) : 1
    }
    inputFactors = weightFactors.map { 1 / $0 }
  }
}

extension ProductFormat {
  /// Bytes of one packed row, or of one output's weights.
  func bytes(ofInputs inputs: Int) -> Int {
    Int(kernel_padded_inputs(kernel, inputs)) * (self == .bf16 ? 2 : 1)
  }
}
