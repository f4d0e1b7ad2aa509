import Tensors
import Testing

@Suite struct NormalizationTests {
  private static let epsilon: Float = 1e-3
  private static let rows = [1, 7, 8, 9, 33]

  private func norm(_ scale: [Float], _ shift: [Float]) -> Normalization {
    Normalization(
      scale: Parameter(vector: scale), shift: Parameter(vector: shift), epsilon: Self.epsilon)
  }

  @Test(arguments: rows, [1, 2, 5]) func rowsHaveMeanZero(rows: Int, workers: Int) {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    for columns in [1, 2, 17, 64, 130] {
      var numbers = Numbers(seed: 4)
      let input = numbers.rows(rows, columns, size: 3)
      let (addend, bias) = (numbers.rows(rows, columns, size: 3), numbers.vector(columns))
      let (scale, shift) = (numbers.vector(columns), numbers.vector(columns))
      let norm = norm(scale, shift)
      let expected = { (rows: [[Float]]) in
        rows.map {
          Reference.normalize(
            $0.doubles, scale: scale.doubles, shift: shift.doubles, epsilon: Double(Self.epsilon))
        }
      }
      var matrix = Matrix(rows: rows, columns: columns)
      device.normalize(Matrix(input), rows: 0..<rows, into: &matrix, norm)
      #expect(distance(matrix.arrays, expected(input)) < 1e-5)
      matrix = Matrix(input)
      let linear = Linear(
        weight: Parameter(rows: numbers.rows(columns, 1)), bias: Parameter(vector: bias))
      device.addNormalize(
        &matrix, addend: Matrix(addend), rows: 0..<rows, biasOf: linear, norm)
      let sums = zip(input, addend).map { zip(zip($0, $1), bias).map { $0.0 + $0.1 + $1 } }
      #expect(distance(matrix.arrays, expected(sums)) < 1e-5)
    }
  }

  @Test(arguments: [2, 5]) func gradientsAreSlopes(columns: Int) {
    let pass = Pass(rows: 9, columns: columns)
    let found = pass.gradients(workers: 2)
    let input = centralDifferences(at: pass.input.doubles) {
      pass.loss(input: $0, pass.scale.doubles, pass.shift.doubles)
    }
    let scale = centralDifferences(at: [pass.scale.doubles]) {
      pass.loss(input: pass.input.doubles, $0[0], pass.shift.doubles)
    }
    let shift = centralDifferences(at: [pass.shift.doubles]) {
      pass.loss(input: pass.input.doubles, pass.scale.doubles, $0[0])
    }
    #expect(distance(found.input, input) < 2e-5)
    #expect(distance(found.scaleAndShift, [scale[0], shift[0]]) < 2e-5)
  }

  @Test(arguments: rows, [1, 17, 64, 130]) func gradientsEqualThePlainTwin(rows: Int, columns: Int)
  {
    let pass = Pass(rows: rows, columns: columns)
    let found = pass.gradients(workers: 3)
    var sums = [[Double](repeating: 0, count: columns), [Double](repeating: 0, count: columns)]
    let input = zip(pass.gradient, pass.input).map { gradient, row in
      let expected = Reference.normalizeGradient(
        gradient.doubles, of: row.doubles, scale: pass.scale.doubles,
        epsilon: Double(Self.epsilon))
      sums[0] = zip(sums[0], expected.scale).map(+)
      sums[1] = zip(sums[1], expected.shift).map(+)
      return expected.input
    }
    #expect(distance(found.input, input) < 1e-5)
    #expect(distance(found.scaleAndShift, sums) < 1e-5)
  }

  @Test(arguments: rows) func anyNumberOfWorkersGivesTheSameBits(rows: Int) {
    let pass = Pass(rows: rows, columns: 70)
    let one = pass.gradients(workers: 1)
    for workers in [2, 3, 16] {
      let several = pass.gradients(workers: workers)
      #expect(several.input.map(\.bits) == one.input.map(\.bits), "\(workers) workers")
      #expect(several.scaleAndShift.map(\.bits) == one.scaleAndShift.map(\.bits))
    }
  }

  /// One backward pass: rows, and the gradient at their normalisation.
  private struct Pass {
    let input: [[Float]]
    let gradient: [[Float]]
    let scale: [Float]
    let shift: [Float]

    init(rows: Int, columns: Int) {
      var numbers = Numbers(seed: 8)
      input = numbers.rows(rows, columns, size: 3)
      gradient = numbers.rows(rows, columns)
      scale = numbers.vector(columns, size: 2)
      shift = numbers.vector(columns)
    }

    /// The sum of normalised rows · gradient.
    func loss(input: [[Double]], _ scale: [Double], _ shift: [Double]) -> Double {
      let output = input.map {
        Reference.normalize($0, scale: scale, shift: shift, epsilon: Double(epsilon))
      }
      return total(output, gradient.doubles)
    }

    /// The gradients on the device. Rows around those of the pass stay; totals begin at 0.
    func gradients(workers: Int) -> (input: [[Float]], scaleAndShift: [[Float]]) {
      let zeros = [Float](repeating: 0, count: scale.count)
      let (scaleSums, shiftSums) = (ArenaTensor(vector: zeros), ArenaTensor(vector: zeros))
      var matrix = Matrix([scale] + gradient + [shift])
      CPUDevice(pool: WorkerPool(workers: workers)).normalizeGradient(
        &matrix, inputs: Matrix([zeros] + input + [zeros]), rows: 1..<input.count + 1,
        Normalization(
          scale: Parameter(vector: scale), shift: Parameter(vector: shift), epsilon: epsilon),
        NormalizationGradient(scale: scaleSums, shift: shiftSums))
      let found = matrix.arrays
      #expect(found.first == scale && found.last == shift)
      return (Array(found.dropFirst().dropLast()), [scaleSums.arrays[0], shiftSums.arrays[0]])
    }
  }
}
