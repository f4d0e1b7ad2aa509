import Tensors
import Testing

/// The backward operations against slopes of the plain forward ones, and against plain sums over
/// sizes that need several tiles.
@Suite struct GradientOperationTests {
  @Test func aMapsGradientsAreSlopes() {
    var numbers = Numbers(seed: 1)
    let (input, weight) = (numbers.rows(4, 3), numbers.rows(5, 3))
    let (bias, gradient) = (numbers.vector(5), numbers.rows(4, 5))
    func loss(_ input: [[Double]], _ weight: [[Double]], _ bias: [Double]) -> Double {
      total(Reference.linear(input, weight: weight, bias: bias), gradient.doubles)
    }
    let device = CPUDevice(pool: WorkerPool(workers: 2))
    let linear = Linear(weight: Parameter(rows: weight), bias: Parameter(vector: bias))
    var atInput = Matrix(rows: 4, columns: 3)
    device.applyTransposed(
      linear, to: Matrix(gradient), rows: 0..<4, into: &atInput, rows: 0..<4, adds: false)
    let slopes = centralDifferences(at: input.doubles) { loss($0, weight.doubles, bias.doubles) }
    #expect(distance(atInput.arrays, slopes) < 1e-6)

    let (weightSums, biasSums) = (ArenaTensor(zeros(5, 3)), ArenaTensor(vector: zeros(1, 5)[0]))
    device.accumulate(
      LinearGradient(weight: weightSums, bias: biasSums), gradient: Matrix(gradient), rows: 0..<4,
      input: Matrix(input), rows: 0..<4)
    let weightSlopes = centralDifferences(at: weight.doubles) {
      loss(input.doubles, $0, bias.doubles)
    }
    let biasSlopes = centralDifferences(at: [bias.doubles]) {
      loss(input.doubles, weight.doubles, $0[0])
    }
    #expect(distance(weightSums.arrays, weightSlopes) < 1e-6)
    #expect(distance(biasSums.arrays, biasSlopes) < 1e-6)
  }

  @Test(arguments: [0, 1, 3, 17, 200, 401], [1, 2, 5])
  func aMapsGradientsEqualPlainProducts(rows: Int, workers: Int) {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    for (inputs, outputs) in [(1, 1), (5, 2), (16, 33), (200, 130), (130, 300)] {
      var numbers = Numbers(seed: UInt64(rows))
      let (input, gradient) = (numbers.rows(rows + 1, inputs), numbers.rows(rows + 2, outputs))
      let (weight, before) = (numbers.rows(outputs, inputs), numbers.rows(rows + 1, inputs))
      let some = Array(gradient.dropFirst(2)).doubles
      let linear = Linear(weight: Parameter(rows: weight), bias: nil)
      for adds in [false, true] {
        var result = Matrix(before)
        device.applyTransposed(
          linear, to: Matrix(gradient), rows: 2..<rows + 2, into: &result, rows: 0..<rows,
          adds: adds)
        let product = Reference.product(some, weight.doubles)
        let expected = zip(product, before).map { row, old in
          adds ? zip(row, old).map { $0 + Double($1) } : row
        }
        #expect(distance(Array(result.arrays.prefix(rows)), expected) < 4e-5)
        #expect(result.arrays[rows] == before[rows])
      }
      let (weights, biases) = (numbers.rows(outputs, inputs), numbers.vector(outputs))
      let (weightSums, biasSums) = (ArenaTensor(weights), ArenaTensor(vector: biases))
      device.accumulate(
        LinearGradient(weight: weightSums, bias: biasSums), gradient: Matrix(gradient),
        rows: 2..<rows + 2, input: Matrix(input), rows: 1..<rows + 1)
      let product = Reference.product(
        Reference.transposed(some), Array(input.dropFirst()).doubles)
      let expected = rows == 0 ? weights.doubles : sum(weights.doubles, product)
      #expect(distance(weightSums.arrays, expected) < 4e-5)
      let total = some.reduce(biases.doubles) { zip($0, $1).map(+) }
      #expect(distance(biasSums.arrays, [total]) < 4e-5)
    }
  }

  @Test(arguments: [1, 2, 5]) func biasGradientsHaveTheSameBitsOnAnyWorkers(workers: Int) {
    var numbers = Numbers(seed: 3)
    let (gradient, input) = (numbers.rows(401, 300), numbers.rows(401, 70))
    let sums = [1, workers].map { workers in
      let bias = ArenaTensor(vector: zeros(1, 300)[0])
      CPUDevice(pool: WorkerPool(workers: workers)).accumulate(
        LinearGradient(weight: ArenaTensor(zeros(300, 70)), bias: bias),
        gradient: Matrix(gradient), rows: 0..<401, input: Matrix(input), rows: 0..<401)
      return bias.arrays[0].bits
    }
    #expect(sums[0] == sums[1])
  }

  @Test(arguments: [1, 8, 9, 70], [Activation.gelu, .tanh])
  func anActivationsGradientIsItsSlope(rows: Int, activation: Activation) {
    let device = CPUDevice(pool: WorkerPool(workers: rows % 4 + 1))
    var numbers = Numbers(seed: 4)
    let (input, gradient) = (numbers.rows(rows + 1, 7, size: 4), numbers.rows(rows + 2, 7))
    var found = Matrix(gradient)
    device.applyGradient(
      of: activation, to: &found, rows: 2..<rows + 2, inputs: Matrix(input), rows: 1..<rows + 1)
    let some = Array(input.dropFirst())
    let slopes = centralDifferences(at: some.doubles) { moved in
      // One row moves at a time, and each value has its own slope.
      total(
        moved.map { $0.map { Reference.value(activation, $0) } },
        Array(gradient.dropFirst(2)).doubles)
    }
    #expect(distance(Array(found.arrays.dropFirst(2)), slopes) < 2e-6)
    #expect(Array(found.arrays.prefix(2)) == Array(gradient.prefix(2)))
    var output = Matrix(rows: rows + 1, columns: 7)
    device.apply(
      activation, to: Matrix(input), rows: 1..<rows + 1, into: &output, rows: 0..<rows)
    let values = some.map { $0.map { Reference.value(activation, Double($0)) } }
    let expected = values + zeros(1, 7).doubles
    #expect(distance(output.arrays, expected) < 2e-6)
  }

  @Test(arguments: [Float(0), 0.25, 0.9], [1, 2, 5])
  func droppedGradientsAreSlopes(probability: Float, workers: Int) {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    let dropout = Dropout(probability: probability, seed: 9)
    var numbers = Numbers(seed: 5)
    let (input, gradient) = (numbers.rows(40, 3), numbers.rows(40, 3))
    func dropped(_ rows: [[Float]], _ range: Range<Int>) -> [[Float]] {
      var matrix = Matrix(rows)
      device.drop(&matrix, rows: range, dropout)
      return matrix.arrays
    }
    // Dropout is a product with what it makes of ones.
    let kept = dropped(zeros(40, 3).map { $0.map { _ in 1 } }, 0..<40).doubles
    let scale = Double(1 / (1 - probability))
    #expect(kept.joined().allSatisfy { $0 == 0 || $0 == scale })
    let share = Double(kept.joined().count { $0 == 0 }) / 120
    #expect(abs(share - Double(probability)) < 0.15)
    let slopes = centralDifferences(at: input.doubles) { moved in
      total(zip(moved, kept).map { zip($0, $1).map(*) }, gradient.doubles)
    }
    #expect(distance(dropped(gradient, 0..<40), slopes) < 1e-5)
    // What is dropped depends on the row's number, not on the rows that are asked for.
    let part = dropped(gradient, 11..<29)
    #expect(part[11..<29] == dropped(gradient, 0..<40)[11..<29])
    #expect(part[..<11] == gradient[..<11] && part[29...] == gradient[29...])
    var whole = Matrix(gradient)
    device.drop(&whole, rows: 0..<40, nil)
    #expect(whole.arrays == gradient)
  }

  @Test func whatIsGatheredScattersItsGradient() {
    var numbers = Numbers(seed: 6)
    let (table, gradient) = (numbers.rows(4, 3), numbers.rows(5, 3))
    let indices: [Int32] = [2, 0, 2, 3]
    let before = numbers.rows(4, 3)
    let sums = ArenaTensor(before)
    CPUDevice(pool: WorkerPool(workers: 1)).scatterAdd(
      Matrix(gradient), at: indices.span, to: sums)
    let slopes = centralDifferences(at: table.doubles) { table in
      total(indices.map { table[Int($0)] }, Array(gradient.prefix(4)).doubles)
    }
    #expect(distance(sums.arrays, sum(before.doubles, slopes)) < 1e-6)
  }

  @Test(arguments: [0, 1, 8, 9, 70], [1, 2, 5]) func rowsAreAddedCopiedAndCleared(
    rows: Int, workers: Int
  ) {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    var numbers = Numbers(seed: 7)
    let (source, target) = (numbers.rows(rows + 1, 5), numbers.rows(rows + 3, 5))
    var matrix = Matrix(target)
    device.add(Matrix(source), rows: 1..<rows + 1, to: &matrix, rows: 2..<rows + 2)
    var expected = target
    for row in 0..<rows { expected[row + 2] = zip(target[row + 2], source[row + 1]).map(+) }
    #expect(matrix.arrays == expected)
    device.copy(Matrix(source), rows: 1..<rows + 1, into: &matrix, rows: 2..<rows + 2)
    expected.replaceSubrange(2..<rows + 2, with: source[1...])
    #expect(matrix.arrays == expected)
    device.setZero(&matrix, rows: 2..<rows + 2)
    expected.replaceSubrange(2..<rows + 2, with: zeros(rows, 5))
    #expect(matrix.arrays == expected)
  }

  private func zeros(_ rows: Int, _ columns: Int) -> [[Float]] {
    [[Float]](repeating: [Float](repeating: 0, count: columns), count: rows)
  }
}
