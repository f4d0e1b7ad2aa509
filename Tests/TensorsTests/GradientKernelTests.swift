import Glibc
import KernelLevels
import Tensors
import Testing

/// The kernels of the backward pass against their plain twins, as `KernelTests` does for the
/// forward pass.
@Suite struct GradientKernelTests {
  @Test(arguments: Level.all) func geluGradientIsItsSlope(level: Level) {
    var numbers = Numbers(seed: 1)
    for width in Level.widths {
      let (gradient, inputs) = (numbers.mixed(width), numbers.vector(width, size: 6))
      let found = unsafe offLines([gradient, inputs]) { at in
        unsafe level { unsafe $0.gelu_gradient(at[0], at[1], width) }
      }
      let expected = zip(gradient, inputs).map { Double($0) * Reference.geluSlope(Double($1)) }
      #expect(
        agree(found[0], expected, magnitudes: gradient.map { Double(abs($0)) }, units: 16),
        "\(width)")
      #expect(found[1] == inputs)
    }
  }

  @Test(arguments: Level.all) func geluGradientIsRightEverywhere(level: Level) {
    let inputs =
      (-16_000...16_000).map { Float($0) / 1000 }
      + [1e-30, 0x1p-147, 0, -0.0, 1e4, -1e4, 1e20, -1e20, 3e38, -3e38, .infinity, -.infinity]
    let ones = [Float](repeating: 1, count: inputs.count)
    let found = unsafe offLines([ones, inputs]) { at in
      unsafe level { unsafe $0.gelu_gradient(at[0], at[1], inputs.count) }
    }
    for (input, slope) in zip(inputs, found[0]) {
      let isRight = abs(Double(slope) - Reference.geluSlope(Double(input))) < 1e-6
      #expect(isRight, "\(input): \(slope)")
    }
  }

  @Test(arguments: Level.all) func tanhsGradientIsItsSlope(level: Level) {
    var numbers = Numbers(seed: 11)
    for width in Level.widths {
      let (gradient, inputs) = (numbers.vector(width), numbers.vector(width, size: 6))
      let found = unsafe offLines([gradient, inputs]) { at in
        unsafe level { unsafe $0.tanh_gradient(at[0], at[1], width) }
      }
      let expected = zip(gradient, inputs).map { gradient, input in
        Double(gradient) * (1 - tanh(Double(input)) * tanh(Double(input)))
      }
      #expect(distance([found[0]], [expected]) < 1e-6, "\(width)")
      #expect(found[1] == inputs)
    }
  }

  @Test(arguments: Level.all, [Float(3), 1e-20, 1e15])
  func normalisationsGradientIsItsTwins(level: Level, size: Float) {
    var numbers = Numbers(seed: 2)
    let epsilon = Float(1e-3)
    for width in Level.widths {
      let (gradient, rows) = (numbers.rows(3, width), numbers.rows(3, width, size: size))
      let scale = numbers.vector(width, size: 2)
      let sums = numbers.rows(2, width)
      let inputs = [gradient.flatMap { $0 }, rows.flatMap { $0 }, scale, sums[0], sums[1]]
      let found = unsafe offLines(inputs) { at in
        unsafe level {
          unsafe $0.normalize_gradient(at[0], at[1], 3, width, at[2], epsilon, at[3], at[4])
        }
      }
      var totals = sums.doubles
      for (r, row) in rows.enumerated() {
        let expected = Reference.normalizeGradient(
          gradient[r].doubles, of: row.doubles, scale: scale.doubles, epsilon: Double(epsilon))
        // The gradient shrinks with the deviation of what was normalised.
        let deviation = max(Double(size), Double(epsilon).squareRoot())
        let part = Array(found[0][r * width..<(r + 1) * width])
        let magnitudes = part.map { _ in 16 / deviation }
        // A single column has no deviation but epsilon's.
        let isRight = agree(part, expected.input, magnitudes: magnitudes, units: 16)
        #expect(isRight || width == 1 && part[0].isFinite, "\(width)")
        totals[0] = zip(totals[0], expected.scale).map(+)
        totals[1] = zip(totals[1], expected.shift).map(+)
      }
      #expect(distance([found[3], found[4]], totals) < 2e-5, "\(width)")
      #expect(found[1] == inputs[1] && found[2] == scale)
    }
  }

  @Test(arguments: Level.all) func softmaxGradientIsItsTwins(level: Level) {
    var numbers = Numbers(seed: 3)
    for width in Level.widths {
      let gradient = numbers.rows(3, width, size: 5)
      let weights = numbers.rows(3, width, size: 4).map { row in
        Reference.softmax(row.doubles, scale: 1).map { Float($0) }
      }
      let (spread, other) = (SpreadRows(gradient), SpreadRows(weights))
      let found = unsafe offLines([spread.floats, other.floats]) { at in
        unsafe level {
          unsafe $0.softmax_gradient(at[0], at[1], spread.stride, 3, width, 0.7)
        }
      }
      let expected = zip(gradient, weights).map {
        Reference.softmaxGradient($0.doubles, weights: $1.doubles, scale: Double(Float(0.7)))
      }
      #expect(distance(spread.rows(of: found[0]), expected) < 4e-6, "\(width)")
      #expect(found[1].bits == other.floats.bits)
    }
  }

  @Test(arguments: Level.all) func whatWasGatheredIsScatteredBack(level: Level) {
    var numbers = Numbers(seed: 4)
    for width in Level.widths where width > 0 {
      let (rows, first) = (5, Int32(3))
      let slots = SlotWindow(rows: rows, columns: width, first: first) { $0 / 3 }
      let scores = (0..<rows).map { _ in numbers.mixed(width) }
      let spread = SpreadRows(scores)
      for isByRow in [true, false] {
        // What stood there before is of no matter.
        let count = isByRow ? rows : width
        let before = [Float](repeating: 55, count: count * slots.width)
        let found = unsafe offLines([spread.floats, before]) { at in
          unsafe slots.withCentre { centre in
            unsafe level {
              unsafe (isByRow ? $0.scatter_by_row : $0.scatter_by_column)?(
                at[0], spread.stride, rows, width, at[1], slots.width, centre, first)
            }
          }
        }
        var expected = [Double](repeating: 0, count: before.count)
        var magnitudes = expected
        for i in 0..<rows {
          for j in 0..<width {
            let place = (isByRow ? i : j) * slots.width + slots[i - j] - Int(first)
            expected[place] += Double(scores[i][j])
            magnitudes[place] += Double(abs(scores[i][j]))
          }
        }
        #expect(agree(found[1], expected, magnitudes: magnitudes, units: 2), "\(width)")
        #expect(found[0].bits == spread.floats.bits)
      }
    }
  }

  @Test(arguments: Level.all, [0, 1, 2, 7]) func rowsAreSummed(level: Level, rows: Int) {
    var numbers = Numbers(seed: 5)
    for width in Level.widths {
      let total = numbers.mixed(width) + [3e38]
      let values = (0..<rows).map { _ in numbers.mixed(width) + [3e38] }
      let spread = SpreadRows(rows == 0 ? [total] : values)
      let found = unsafe offLines([total, spread.floats]) { at in
        unsafe level { unsafe $0.add_rows(at[0], at[1], spread.stride, rows, width + 1) }
      }
      // Row by row, so the sums have the same bits; the last one overflows.
      let expected = values.reduce(total) { zip($0, $1).map(+) }
      #expect(found[0].bits == expected.bits, "\(width)")
      #expect(found[1].bits == spread.floats.bits)
    }
  }

  @Test(arguments: Level.all) func floatsAreAdded(level: Level) {
    var numbers = Numbers(seed: 6)
    for width in Level.widths {
      let total = numbers.mixed(width, largest: 3e38) + [.infinity, -0.0, 0x1p-149]
      let values = numbers.mixed(width, largest: 3e38) + [1, -0.0, -0x1p-149]
      let found = unsafe offLines([total, values]) { at in
        unsafe level { unsafe $0.add(at[0], at[1], width + 3) }
      }
      #expect(found[0].bits == zip(total, values).map(+).bits, "\(width)")
      #expect(found[1].bits == values.bits)
    }
  }
}
