import KernelLevels
import Tensors
import Testing

/// The kernels of dropout and of the optimizer against their plain twins, as in `KernelTests`.
@Suite struct TrainingKernelTests {
  @Test(arguments: Level.all, [UInt32(0), 1, 1 << 30, .max])
  func whatIsDroppedDependsOnTheCounter(level: Level, dropBelow: UInt32) {
    var numbers = Numbers(seed: 1)
    let key: UInt64 = 0xFEDC_BA98_7654_3210
    // The counter passes 2^32 inside the rows.
    let first = UInt32.max - 70
    for width in Level.widths {
      let rows = (0..<3).map { _ in numbers.mixed(width, largest: 1e38) }
      let spread = SpreadRows(rows)
      let found = unsafe offLines([spread.floats]) { at in
        unsafe level {
          unsafe $0.dropout(at[0], spread.stride, 3, width, key, first, dropBelow, 1.25)
        }
      }
      let expected = rows.enumerated().map { r, row in
        row.enumerated().map { c, value in
          let counter = first &+ UInt32(r * width + c)
          return Reference.randomBits(counter, key: key) < dropBelow ? 0 : value * 1.25
        }
      }
      #expect(spread.rows(of: found[0]).map(\.bits) == expected.map(\.bits), "\(width)")
    }
  }

  @Test(arguments: Level.all) func whatMeetsTheBoundStays(level: Level) {
    let (key, first) = (UInt64(7), UInt32(100))
    let bits = (0..<40).map { Reference.randomBits(first + $0, key: key) }
    let found = unsafe offLines([[Float](repeating: 1, count: 40)]) { at in
      unsafe level { unsafe $0.dropout(at[0], 40, 1, 40, key, first, bits[5], 2) }
    }
    #expect(found[0] == bits.map { $0 < bits[5] ? 0 : 2 })
    #expect(found[0][5] == 2)
  }

  @Test(arguments: Level.all) func squaresAreSummedInDoublePrecision(level: Level) {
    var numbers = Numbers(seed: 2)
    for width in Level.widths {
      // The squares of these overflow, and those of the smallest vanish, in single precision.
      let values = numbers.mixed(width, largest: 1e30) + [3e38, 0x1p-149]
      for count in [width, width + 2] {
        var sum = Double.nan
        _ = unsafe offLines([Array(values.prefix(count))]) { at in
          sum = unsafe level { unsafe $0.sum_of_squares(at[0], count) } ?? .nan
        }
        let expected = values.prefix(count).reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(sum - expected) <= 1e-13 * expected, "\(width)")
      }
    }
  }

  @Test(arguments: Level.all, [1, 10]) func oneStepIsAdamWs(level: Level, number: Int) {
    var numbers = Numbers(seed: 3)
    let step = AdamWStep(gradientScale: 0.5, rate: 0.1, weightDecay: 0.01, number: number)
    for width in Level.widths {
      let (weights, means) = (numbers.mixed(width, largest: 1e5), numbers.vector(width))
      let squares = numbers.vector(width, size: 2).map(abs)
      let gradient = numbers.mixed(width, largest: 1e6)
      let found = unsafe offLines([weights, means, squares, gradient]) { at in
        unsafe level {
          unsafe $0.adamw(at[0], at[1], at[2], at[3], width, Self.kernelStep(step))
        }
      }
      #expect(found[3].bits == gradient.bits)
      expectSteps(found, [weights, means, squares], gradient, step)
    }
  }

  /// With moments of zero, whatever the sign, with others, and with both in one call.
  @Test(arguments: Level.all, [0, 1, 2])
  func withoutGradientMomentsAndWeightsDecay(level: Level, kind: Int) {
    var numbers = Numbers(seed: 4)
    let step = AdamWStep(gradientScale: 0.5, rate: 0.1, weightDecay: 0.01, number: 3)
    for width in Level.widths {
      let weights = numbers.mixed(width)
      var means = (0..<width).map { $0 % 2 == 0 ? Float(0) : -0.0 }
      var squares = [Float](repeating: 0, count: width)
      if kind == 1 { means = numbers.vector(width) }
      if kind >= 1, let last = squares.indices.last { squares[last] = 1e-6 }
      let found = unsafe offLines([weights, means, squares]) { at in
        unsafe level {
          unsafe $0.adamw_without_gradient(at[0], at[1], at[2], width, Self.kernelStep(step))
        }
      }
      let zeros = [Float](repeating: 0, count: width)
      expectSteps(found, [weights, means, squares], zeros, step)
    }
  }

  private func expectSteps(
    _ found: [[Float]], _ before: [[Float]], _ gradient: [Float], _ step: AdamWStep,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for index in gradient.indices {
      let old = Reference.Moments(
        weight: Double(before[0][index]), mean: Double(before[1][index]),
        square: Double(before[2][index]))
      let new = Reference.adamW(old, gradient: Double(gradient[index]), step)
      let g = Double(gradient[index])
      // How far the weight could have moved, had no sign cancelled another.
      let change = -Reference.adamW(
        Reference.Moments(weight: 0, mean: abs(old.mean), square: old.square), gradient: abs(g),
        step
      ).weight
      let isRight =
        agree(
          [found[0][index]], [new.weight], magnitudes: [abs(old.weight) + change])
        && agree([found[1][index]], [new.mean], magnitudes: [abs(old.mean) + abs(g)])
        && agree([found[2][index]], [new.square], magnitudes: [old.square + g * g])
      #expect(isRight, "\(index) of \(gradient.count)", sourceLocation: sourceLocation)
    }
  }

  /// What `AdamWStep` makes of itself for the kernel.
  private static func kernelStep(_ step: AdamWStep) -> adamw_step {
    func correction(_ beta: Float) -> Double {
      1 - (0..<step.number).reduce(1.0) { power, _ in power * Double(beta) }
    }
    return adamw_step(
      gradient_scale: step.gradientScale, beta_1: step.beta1, beta_2: step.beta2,
      epsilon: step.epsilon, rate: Float(Double(step.rate) / correction(step.beta1)),
      square_correction: Float(1 / correction(step.beta2).squareRoot()),
      decay: 1 - step.rate * step.weightDecay)
  }
}
