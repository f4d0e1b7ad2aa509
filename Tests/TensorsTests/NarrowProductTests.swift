import Tensors
import Testing

/// Training's products of 16-bit floats, with each kind of instructions that this processor has.
@Suite struct NarrowProductTests {
  private static let levels = ProductLevel.allCases.filter { $0.runs(.bf16) }
  private static let shapes = [
    (1, 1), (2, 3), (5, 63), (16, 33), (31, 64), (64, 65), (200, 130), (130, 300),
  ]

  /// Numbers that 16-bit floats hold exactly.
  private func wholeNumbers(_ rows: Int, _ columns: Int, _ numbers: inout Numbers) -> [[Float]] {
    (0..<rows).map { _ in numbers.vector(columns, size: 100).map { $0.rounded() } }
  }

  /// What a map and its two backward operations give.
  private struct Results: Equatable {
    var outputs: [[Float]]
    var atInputs: [[Float]]
    var weights: [[Float]]
    var biases: [[Float]]
  }

  private struct Operands {
    var input: [[Float]]
    var gradient: [[Float]]
    var weight: [[Float]]
    var bias: [Float]
    /// What results are added to.
    var before: [[Float]]
    var weightsBefore: [[Float]]
  }

  private func run(_ device: CPUDevice, _ operands: Operands, adds: Bool) -> Results {
    let rows = 0..<operands.input.count
    let linear = Linear(
      weight: Parameter(rows: operands.weight), bias: Parameter(vector: operands.bias))
    var outputs = Matrix(rows: rows.count, columns: linear.outputs)
    device.apply(linear, to: Matrix(operands.input), rows: rows, into: &outputs, rows: rows)
    var atInputs = Matrix(operands.before)
    device.applyTransposed(
      linear, to: Matrix(operands.gradient), rows: rows, into: &atInputs, rows: rows, adds: adds)
    let weights = ArenaTensor(operands.weightsBefore)
    let biases = ArenaTensor(vector: operands.bias)
    device.accumulate(
      LinearGradient(weight: weights, bias: biases), gradient: Matrix(operands.gradient),
      rows: rows, input: Matrix(operands.input), rows: rows)
    return Results(
      outputs: outputs.arrays, atInputs: atInputs.arrays, weights: weights.arrays,
      biases: biases.arrays)
  }

  private func expected(_ operands: Operands, adds: Bool) -> [[[Double]]] {
    let gradient = operands.gradient.doubles
    let atInputs = Reference.product(gradient, operands.weight.doubles)
    return [
      Reference.linear(
        operands.input.doubles, weight: operands.weight.doubles, bias: operands.bias.doubles),
      adds ? sum(atInputs, operands.before.doubles) : atInputs,
      sum(
        operands.weightsBefore.doubles,
        Reference.product(Reference.transposed(gradient), operands.input.doubles)),
      [gradient.reduce(operands.bias.doubles) { zip($0, $1).map(+) }],
    ]
  }

  private func found(_ results: Results) -> [[[Float]]] {
    [results.outputs, results.atInputs, results.weights, results.biases]
  }

  @Test(arguments: levels, [1, 2, 5, 6, 7, 13, 64, 65, 401])
  func whatIsHeldExactlyIsMultipliedExactly(level: ProductLevel, rows: Int) {
    for (inputs, outputs) in Self.shapes {
      var numbers = Numbers(seed: UInt64(rows))
      let operands = Operands(
        input: wholeNumbers(rows, inputs, &numbers),
        gradient: wholeNumbers(rows, outputs, &numbers),
        weight: wholeNumbers(outputs, inputs, &numbers),
        bias: wholeNumbers(1, outputs, &numbers)[0], before: wholeNumbers(rows, inputs, &numbers),
        weightsBefore: wholeNumbers(outputs, inputs, &numbers))
      for (workers, adds) in [(1, false), (3, true)] {
        let device = CPUDevice(pool: WorkerPool(workers: workers), training: .bf16, level: level)
        let results = found(run(device, operands, adds: adds))
        for (place, (found, expected)) in zip(results, expected(operands, adds: adds)).enumerated()
        {
          let off = distance(found, expected)
          #expect(off == 0, "(\(inputs), \(outputs)), \(workers) workers, result \(place)")
        }
      }
    }
  }

  @Test(arguments: levels) func whatIsRoundedIsNearAndTheSameOnAnyNumberOfWorkers(
    level: ProductLevel
  ) {
    for (inputs, outputs) in Self.shapes {
      var numbers = Numbers(seed: 4)
      let rows = 300
      let operands = Operands(
        input: numbers.rows(rows, inputs), gradient: numbers.rows(rows, outputs),
        weight: numbers.rows(outputs, inputs), bias: numbers.vector(outputs),
        before: numbers.rows(rows, inputs), weightsBefore: numbers.rows(outputs, inputs))
      let results = [1, 2, 5].map { workers in
        run(
          CPUDevice(pool: WorkerPool(workers: workers), training: .bf16, level: level), operands,
          adds: true)
      }
      #expect(results[1] == results[0] && results[2] == results[0], "(\(inputs), \(outputs))")
      // Each factor is off by at most 2^-9 of itself, and none is above 1.
      let sums = [inputs, outputs, rows, 1].map { Double($0) * 0x1p-8 + 1e-4 }
      for ((found, expected), bound) in zip(
        zip(found(results[0]), expected(operands, adds: true)), sums)
      {
        let off = distance(found, expected)
        #expect(off <= bound, "(\(inputs), \(outputs))")
      }
    }
  }

  @Test(arguments: levels, [Float.nan, .infinity, -.infinity])
  func whatIsNoNumberIsSeen(level: ProductLevel, strange: Float) {
    var numbers = Numbers(seed: 5)
    var operands = Operands(
      input: numbers.rows(9, 20), gradient: numbers.rows(9, 70), weight: numbers.rows(70, 20),
      bias: numbers.vector(70), before: numbers.rows(9, 20), weightsBefore: numbers.rows(70, 20))
    operands.input[8][19] = strange
    operands.gradient[8][69] = strange
    let device = CPUDevice(pool: WorkerPool(workers: 2), training: .bf16, level: level)
    let results = run(device, operands, adds: true)
    #expect(results.outputs[8].allSatisfy { !$0.isFinite })
    #expect(results.atInputs[8].allSatisfy { !$0.isFinite })
    #expect(results.weights[69].allSatisfy { !$0.isFinite })
    #expect(results.weights.allSatisfy { !$0[19].isFinite })
    #expect(!results.biases[0][69].isFinite)
    #expect(results.outputs[7].allSatisfy(\.isFinite) && results.atInputs[7].allSatisfy(\.isFinite))
  }
}
