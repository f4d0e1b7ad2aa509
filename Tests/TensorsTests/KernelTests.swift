import Testing

import Tensors

/// The C kernels against their plain twins, at the edges of vector widths and off cache lines.
@Suite struct KernelTests {
  static let sizes = [1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130]

  /// Runs `body` on rows that begin one float past a cache line and are three floats apart, and
  /// returns them; the floats between rows must not change.
  private func onMisaligned(_ rows: [[Float]], _ body: (Block) -> Void) -> [[Float]] {
    let columns = rows[0].count
    let stride = columns + 3
    var memory = Matrix(rows: 1, columns: rows.count * stride + 1)
    let base = unsafe memory.mutableBlock(rows: 0..<1).base + 1
    for index in 0..<rows.count * stride { unsafe base[index] = 77 }
    for (r, row) in rows.enumerated() {
      for (c, value) in row.enumerated() { unsafe base[r * stride + c] = value }
    }
    unsafe body(Block(base, rows: rows.count, columns: columns, stride: stride))
    for r in rows.indices {
      for gap in columns..<stride { #expect(unsafe base[r * stride + gap] == 77) }
    }
    let result = rows.indices.map { r in (0..<columns).map { unsafe base[r * stride + $0] } }
    _ = consume memory
    return result
  }

  @Test(arguments: sizes) func geluWithBiasIsTheErrorFunctionOne(columns: Int) {
    var numbers = Numbers(seed: 1)
    let rows = numbers.rows(3, columns, size: 6)
    let bias = numbers.vector(columns)
    let result = unsafe onMisaligned(rows) { block in
      unsafe bias.withUnsafeBufferPointer { bias in
        guard let bias = bias.baseAddress else { return }
        unsafe block.gelu(bias: bias)
      }
    }
    let expected = rows.map { zip($0, bias).map { Reference.gelu($0 + $1) } }
    #expect(distance(result, expected) < 1e-6)
  }

  @Test func geluIsRightEverywhere() {
    let inputs = (-12_000...12_000).map { Float($0) / 1000 } + [1e30, -1e30, 1e-30, -0.0]
    let zeros = [Float](repeating: 0, count: inputs.count)
    let result = unsafe onMisaligned([inputs]) { block in
      unsafe zeros.withUnsafeBufferPointer { zeros in
        guard let zeros = zeros.baseAddress else { return }
        unsafe block.gelu(bias: zeros)
      }
    }
    for (input, output) in zip(inputs, result[0]) {
      #expect(abs(output - Reference.gelu(input)) <= 3e-7 * max(1, abs(input)), "\(input)")
    }
  }

  @Test(arguments: sizes) func biasIsAddedToEachRow(columns: Int) {
    var numbers = Numbers(seed: 2)
    let rows = numbers.rows(2, columns)
    let bias = numbers.vector(columns)
    let result = unsafe onMisaligned(rows) { block in
      unsafe bias.withUnsafeBufferPointer { bias in
        guard let bias = bias.baseAddress else { return }
        unsafe block.addBias(bias)
      }
    }
    #expect(result == rows.map { zip($0, bias).map(+) })
  }

  @Test(arguments: sizes, [Float(0.1), 1, 40]) func softmaxSumsToOne(columns: Int, size: Float) {
    var numbers = Numbers(seed: 3)
    let rows = numbers.rows(3, columns, size: size)
    let result = unsafe onMisaligned(rows) { unsafe $0.softmax(scale: 0.7) }
    let expected = rows.map { Reference.softmax($0, scale: 0.7) }
    for (row, expectedRow) in zip(result, expected) {
      #expect(abs(row.reduce(0, +) - 1) < 1e-5)
      for (value, expected) in zip(row, expectedRow) {
        // The power's argument is rounded to 2^-23 of itself before it is raised.
        #expect(abs(value - expected) <= 1e-7 + 4e-6 * expected)
      }
    }
  }

  @Test func softmaxOfExtremesStaysFinite() {
    let rows: [[Float]] = [[0, -1e30, -3e38, 3e38], [-3e38, -3e38, -3e38, -3e38]]
    let result = unsafe onMisaligned(rows) { unsafe $0.softmax(scale: 1) }
    #expect(distance(result, [[0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25]]) < 1e-6)
  }

  @Test(arguments: sizes) func normalisationHasMeanZero(columns: Int) {
    var numbers = Numbers(seed: 4)
    let rows = numbers.rows(11, columns, size: 3)
    let (addend, bias) = (numbers.rows(11, columns, size: 3), numbers.vector(columns))
    let (scale, shift) = (numbers.vector(columns), numbers.vector(columns))
    let norm = Normalization(
      scale: Parameter(vector: scale), shift: Parameter(vector: shift), epsilon: 1e-3)
    let device = CPUDevice(pool: WorkerPool(workers: 2))
    let expected = { (rows: [[Float]]) in
      rows.map { Reference.normalize($0, scale: scale, shift: shift, epsilon: 1e-3) }
    }
    var matrix = Matrix(rows)
    device.normalize(&matrix, rows: 0..<11, norm)
    #expect(distance(matrix.arrays, expected(rows)) < 1e-5)
    matrix = Matrix(rows)
    let linear = Linear(
      weight: Parameter(rows: numbers.rows(columns, 1)), bias: Parameter(vector: bias))
    device.addNormalize(&matrix, addend: Matrix(addend), rows: 0..<11, biasOf: linear, norm)
    let sums = zip(rows, addend).map { zip(zip($0, $1), bias).map { $0.0 + $0.1 + $1 } }
    #expect(distance(matrix.arrays, expected(sums)) < 1e-5)
  }
}
