import Tensors
import Testing

/// Products of packed weights, with each kind of instructions that this processor has.
@Suite struct PackedProductTests {
  /// A format and the instructions that multiply it.
  struct Kind: Sendable, CustomTestStringConvertible {
    let format: ProductFormat
    let level: ProductLevel

    static let all = ProductFormat.allCases.flatMap { format in
      ProductLevel.allCases.filter { $0.runs(format) }.map { Kind(format: format, level: $0) }
    }

    var testDescription: String { "\(format.rawValue) \(level.rawValue)" }

    func linear(
      _ weight: [[Float]], bias: [Float]? = nil, magnitudes: [Float]? = nil
    ) -> Linear {
      Linear(weight: Parameter(rows: weight), bias: bias.map { Parameter(vector: $0) })
        .packed(
          as: format, magnitudes: magnitudes, level: level, on: WorkerPool(workers: 1))
    }
  }

  private func apply(
    _ linear: Linear, to input: [[Float]], workers: Int = 1, finish: CPUDevice.Finish = .bias
  ) -> [[Float]] {
    let device = CPUDevice(pool: WorkerPool(workers: workers))
    var output = Matrix(rows: input.count + 2, columns: linear.outputs)
    var packing = PackedRows()
    device.apply(
      linear, to: Matrix(input), rows: 0..<input.count, into: &output,
      rows: 1..<input.count + 1, finish: finish, packing: &packing)
    let rows = output.arrays
    #expect(rows[0].allSatisfy { $0 == 0 } && rows[input.count + 1].allSatisfy { $0 == 0 })
    return Array(rows[1...input.count])
  }

  private static let shapes = [
    (1, 1), (2, 2), (3, 63), (4, 64), (5, 65), (7, 130), (64, 3), (130, 200), (768, 64),
  ]

  /// Numbers that both formats hold exactly: whole ones, of which each row and each output has the
  /// largest.
  private func wholeNumbers(_ rows: Int, _ columns: Int, largest: Float, seed: UInt64) -> [[Float]]
  {
    var numbers = Numbers(seed: seed)
    return (0..<rows).map { _ in
      var row = numbers.vector(columns, size: largest).map { $0.rounded() }
      row[row.count / 2] = largest
      return row
    }
  }

  @Test(arguments: Kind.all, [1, 2, 5, 6, 7, 12, 13, 50])
  func whatIsHeldExactlyIsMultipliedExactly(kind: Kind, rows: Int) {
    for (inputs, outputs) in Self.shapes {
      // 127 and 255 of bytes; whole numbers to 256 have 8 bits.
      let weight = wholeNumbers(outputs, inputs, largest: 127, seed: 1)
      let input = wholeNumbers(rows, inputs, largest: 255, seed: 2).map { $0.map(abs) }
      let bias = wholeNumbers(1, outputs, largest: 900, seed: 3)[0]
      let expected = Reference.linear(
        input.doubles, weight: weight.doubles, bias: bias.doubles)
      let linear = kind.linear(weight, bias: bias)
      for workers in [1, 3] {
        let found = apply(linear, to: input, workers: workers)
        // Sums of bytes are exact until they become floats.
        let largest = expected.joined().map(abs).max() ?? 0
        #expect(
          distance(found, expected) <= largest * 0x1p-20, "(\(inputs), \(outputs)), \(workers)")
      }
      let unbiased = Reference.linear(
        input.doubles, weight: weight.doubles, bias: bias.map { _ in 0 })
      let product = apply(linear, to: input, finish: .product)
      let largest = unbiased.joined().map(abs).max() ?? 0
      #expect(distance(product, unbiased) <= largest * 0x1p-20)
    }
  }

  @Test(arguments: Kind.all) func whatIsRoundedIsNear(kind: Kind) {
    for (inputs, outputs) in Self.shapes {
      var numbers = Numbers(seed: 9)
      let (input, weight) = (numbers.rows(13, inputs), numbers.rows(outputs, inputs))
      let bias = numbers.vector(outputs)
      let linear = kind.linear(weight, bias: bias)
      let expected = Reference.linear(
        input.doubles, weight: weight.doubles, bias: bias.doubles)
      // Each factor is off by at most 2^-9 of itself, or by half a step of 2/255 and 1/127.
      let bound = Double(inputs) * (kind.format == .bf16 ? 0x1p-8 : 0.009)
      #expect(distance(apply(linear, to: input), expected) <= bound)
      for activation in [Activation.gelu, .tanh] {
        let activated = expected.map { $0.map { Reference.value(activation, $0) } }
        let found = apply(linear, to: input, finish: .biasAnd(activation))
        // No slope of either is above 1.13.
        #expect(distance(found, activated) <= 1.13 * bound + 1e-6)
      }
    }
  }

  /// Of one format the same numbers come out, whatever multiplies them.
  @Test(arguments: ProductFormat.allCases) func allInstructionsAgree(format: ProductFormat) {
    var numbers = Numbers(seed: 4)
    let (input, weight) = (numbers.rows(14, 100), numbers.rows(70, 100))
    let plain = apply(Kind(format: format, level: .plain).linear(weight), to: input)
    for level in ProductLevel.allCases where level.runs(format) {
      let found = apply(Kind(format: format, level: level).linear(weight), to: input)
      #expect(distance(found, plain.doubles) < 1e-4, "\(level.rawValue)")
    }
  }

  /// One input is a hundred times as large as the others, as some are in transformers: without help
  /// it takes all bits of a row.
  @Test func magnitudesHelpBytes() {
    var numbers = Numbers(seed: 5)
    let input = numbers.rows(40, 64).map { row in
      row.enumerated().map { $0.offset == 7 ? 100 * $0.element : $0.element }
    }
    let weight = numbers.rows(64, 64)
    let expected = Reference.linear(
      input.doubles, weight: weight.doubles, bias: Array(repeating: 0, count: 64))
    let magnitudes = (0..<64).map { column in input.map { abs($0[column]) }.max() ?? 0 }
    let kind = Kind(format: .int8, level: .plain)
    let without = distance(apply(kind.linear(weight), to: input), expected)
    let with = distance(
      apply(kind.linear(weight, magnitudes: magnitudes), to: input), expected)
    #expect(with < without / 2, "\(with), without \(without)")
  }

  /// Inputs that were never seen, or only as zeros, stay as they are.
  @Test(arguments: Kind.all) func magnitudesOfZeroChangeNothing(kind: Kind) {
    var numbers = Numbers(seed: 6)
    let (input, weight) = (numbers.rows(3, 20), numbers.rows(5, 20))
    let zeros = [Float](repeating: 0, count: 20)
    let found = apply(kind.linear(weight, magnitudes: zeros), to: input)
    #expect(found == apply(kind.linear(weight), to: input))
  }

  /// A model that computes nonsense must not look as if it did not.
  @Test(arguments: Kind.all, [Float.nan, .infinity, -.infinity])
  func whatIsNotANumberStaysSoInItsRowOrOutput(kind: Kind, strange: Float) {
    var numbers = Numbers(seed: 7)
    var (input, weight) = (numbers.rows(8, 70), numbers.rows(66, 70))
    let good = apply(kind.linear(weight), to: input)
    input[3][69] = strange
    let found = apply(kind.linear(weight), to: input)
    #expect(found[3].allSatisfy { !$0.isFinite })
    for row in 0..<8 where row != 3 { #expect(found[row] == good[row]) }
    input[3][69] = 0
    weight[65][0] = strange
    for row in apply(kind.linear(weight), to: input) {
      #expect(!row[65].isFinite && row[..<65].allSatisfy(\.isFinite))
    }
  }

  @Test(arguments: Kind.all) func zerosAndTheSmallestNumbersAreNoTrouble(kind: Kind) {
    let smallest = Float.leastNonzeroMagnitude
    let input: [[Float]] = [[0, 0, 0], [smallest, 0, -smallest], [1, 2, 3]]
    let bias: [Float] = [5, 6]
    let found = apply(kind.linear([[0, 0, 0], [1, 1, 1]], bias: bias), to: input)
    #expect(found[0] == bias && abs(found[1][0] - 5) + abs(found[1][1] - 6) < 1e-6)
    #expect(found[2][0] == 5 && abs(found[2][1] - 12) < 0.05)
  }

  @Test func thereAreFastInstructionsWhereTheProcessorHasThem() {
    for format in ProductFormat.allCases {
      let runs = ProductLevel.allCases.filter { $0.runs(format) }
      #expect(runs.contains(.plain))
      #expect(format.isFast == (runs.count > 1))
    }
  }
}
