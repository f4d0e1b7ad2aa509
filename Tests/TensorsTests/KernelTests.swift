import Glibc
import KernelLevels
import Tensors
import Testing

/// The kernels of the forward pass against their plain twins: every instruction set, every rest of
/// a vector, off cache lines.
@Suite struct KernelTests {
  @Test(arguments: Level.all) func biasIsAddedToEachRow(level: Level) {
    var numbers = Numbers(seed: 2)
    for width in Level.widths {
      let rows = (0..<3).map { _ in numbers.mixed(width, largest: 3e38) + [.infinity] }
      let bias = numbers.mixed(width) + [-1]
      let spread = SpreadRows(rows)
      let found = unsafe offLines([spread.floats, bias]) { at in
        unsafe level { unsafe $0.add_bias(at[0], spread.stride, 3, width + 1, at[1]) }
      }
      let expected = rows.map { zip($0, bias).map(+).bits }
      #expect(spread.rows(of: found[0]).map(\.bits) == expected, "\(width)")
      #expect(found[1] == bias)
    }
  }

  @Test(arguments: Level.all) func geluIsTheErrorFunctionOne(level: Level) {
    var numbers = Numbers(seed: 1)
    for width in Level.widths {
      let rows = numbers.rows(3, width, size: 6)
      let bias = numbers.vector(width)
      let spread = SpreadRows(rows)
      let found = unsafe offLines([spread.floats, bias]) { at in
        unsafe level { unsafe $0.gelu(at[0], spread.stride, 3, width, at[1]) }
      }
      let expected = rows.map { zip($0, bias).map { Reference.gelu(Double($0 + $1)) } }
      #expect(distance(spread.rows(of: found[0]), expected) < 2e-6, "\(width)")
      let zeros = [Float](repeating: 0, count: width)
      let copied = unsafe offLines([zeros, rows[0]]) { at in
        unsafe level { unsafe $0.gelu_of(at[0], at[1], width) }
      }
      #expect(distance([copied[0]], [rows[0].map { Reference.gelu(Double($0)) }]) < 2e-6)
      #expect(copied[1] == rows[0])
    }
  }

  @Test(arguments: Level.all) func geluIsRightEverywhere(level: Level) {
    let inputs =
      (-12_000...12_000).map { Float($0) / 1000 } + [
        3e38, -3e38, 1e-30, 0x1p-147, 0, -0.0, .infinity,
      ]
    let zeros = [Float](repeating: 0, count: inputs.count)
    let found = unsafe offLines([inputs, zeros, zeros]) { at in
      unsafe level { unsafe $0.gelu(at[0], inputs.count, 1, inputs.count, at[1]) }
      unsafe level { unsafe $0.gelu_of(at[2], at[0], 0) }
    }
    let copied = unsafe offLines([zeros, inputs]) { at in
      unsafe level { unsafe $0.gelu_of(at[0], at[1], inputs.count) }
    }
    #expect(found[2] == zeros)
    for result in [found[0], copied[0]] {
      for (input, output) in zip(inputs, result) {
        let expected = Float(Reference.gelu(Double(input)))
        let isRight = abs(output - expected) <= 3e-7 * max(1, abs(input)) || output == expected
        #expect(isRight, "\(input): \(output)")
      }
    }
  }

  @Test(arguments: Level.all) func tanhIsRightEverywhere(level: Level) {
    let inputs =
      (-12_000...12_000).map { Float($0) / 1000 } + [
        3e38, -3e38, 1e-30, 0x1p-147, 0, -0.0, .infinity, -.infinity,
      ]
    let zeros = [Float](repeating: 0, count: inputs.count)
    let copied = unsafe offLines([zeros, inputs]) { at in
      unsafe level { unsafe $0.tanh_of(at[0], at[1], inputs.count) }
    }
    for (input, output) in zip(inputs, copied[0]) {
      let expected = tanh(Double(input))
      // Numbers below 2^-126 have fewer digits.
      let isRight = abs(Double(output) - expected) <= 4e-7 * abs(expected) + 1e-44
      #expect(isRight, "\(input): \(output)")
    }
    var numbers = Numbers(seed: 11)
    for width in Level.widths {
      let (rows, bias) = (numbers.rows(3, width, size: 4), numbers.vector(width))
      let spread = SpreadRows(rows)
      let found = unsafe offLines([spread.floats, bias]) { at in
        unsafe level { unsafe $0.tanh(at[0], spread.stride, 3, width, at[1]) }
      }
      let expected = rows.map { zip($0, bias).map { tanh(Double($0 + $1)) } }
      #expect(distance(spread.rows(of: found[0]), expected) < 5e-7, "\(width)")
      #expect(found[1] == bias)
    }
  }

  @Test(arguments: Level.all, [Float(0.1), 1, 40]) func softmaxSumsToOne(level: Level, size: Float)
  {
    var numbers = Numbers(seed: 3)
    for width in Level.widths {
      let rows = numbers.rows(3, width, size: size)
      let spread = SpreadRows(rows)
      let found = unsafe offLines([spread.floats]) { at in
        unsafe level { unsafe $0.softmax(at[0], spread.stride, 3, width, 0.7) }
      }
      for (row, input) in zip(spread.rows(of: found[0]), rows) {
        let expected = Reference.softmax(input.doubles, scale: Double(Float(0.7)))
        #expect(row.isEmpty || abs(row.reduce(0, +) - 1) < 1e-5, "\(width)")
        let isRight = zip(row, expected).allSatisfy { value, expected in
          // The power's argument is rounded to 2^-23 of itself before it is raised.
          abs(Double(value) - expected) <= 1e-7 + 4e-6 * expected
        }
        #expect(isRight, "\(width)")
      }
    }
  }

  @Test(arguments: Level.all) func softmaxIsRoundedToSixteenBits(level: Level) {
    var numbers = Numbers(seed: 3)
    for width in Level.widths {
      let spread = SpreadRows(numbers.rows(3, width, size: 4))
      let padded = (width + 1) / 2 * 2
      var halves = [UInt16](repeating: 7, count: 3 * padded + 1)
      let found = unsafe offLines([spread.floats, spread.floats]) { at in
        unsafe level { unsafe $0.softmax(at[0], spread.stride, 3, width, 0.7) }
        unsafe level {
          unsafe $0.softmax_to_bfloat(at[1], spread.stride, 3, width, 0.7, &halves)
        }
      }
      for (index, row) in spread.rows(of: found[0]).enumerated() {
        let wide = halves[index * padded..<(index + 1) * padded].map {
          Float(bitPattern: UInt32($0) << 16)
        }
        #expect(zip(wide, row).allSatisfy { abs($0 - $1) <= $1 * 0x1p-8 }, "\(width)")
        #expect(wide.dropFirst(width).allSatisfy { $0 == 0 })
      }
      #expect(halves.last == 7)
    }
  }

  @Test(arguments: Level.all) func softmaxOfExtremesStaysFinite(level: Level) {
    let rows: [[Float]] = [
      [0, -1e30, -3e38, 3e38], [-3e38, -3e38, -3e38, -3e38], [-.infinity, 1, -0.0, -.infinity],
    ]
    let spread = SpreadRows(rows)
    let found = unsafe offLines([spread.floats]) { at in
      unsafe level { unsafe $0.softmax(at[0], spread.stride, 3, 4, 1) }
    }
    let expected = [[0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25], [0, 0.7310586, 0.2689414, 0]]
    #expect(distance(spread.rows(of: found[0]), expected) < 1e-6)
  }

  @Test(arguments: Level.all, [Float(3), 1e-20, 1e15])
  func normalisationHasMeanZero(level: Level, size: Float) {
    var numbers = Numbers(seed: 4)
    for width in Level.widths {
      let rows = numbers.rows(3, width, size: size)
      let (addend, bias) = (numbers.rows(3, width, size: size), numbers.vector(width, size: size))
      let (scale, shift) = (numbers.vector(width), numbers.vector(width))
      let inputs = [rows.flatMap { $0 }, addend.flatMap { $0 }, bias, scale, shift]
      let plain = unsafe offLines(inputs) { at in
        unsafe level { unsafe $0.normalize(at[0], 3, width, at[3], at[4], 1e-3) }
      }
      let added = unsafe offLines(inputs) { at in
        unsafe level {
          unsafe $0.add_normalize(at[0], at[1], at[2], 3, width, at[3], at[4], 1e-3)
        }
      }
      let sums = zip(rows, addend).map { zip(zip($0, $1), bias).map { $0.0 + ($0.1 + $1) } }
      for (found, rows) in [(plain, rows), (added, sums)] {
        let expected = rows.flatMap {
          Reference.normalize(
            $0.doubles, scale: scale.doubles, shift: shift.doubles, epsilon: Double(Float(1e-3)))
        }
        #expect(distance([found[0]], [expected]) < 2e-5, "\(width)")
        #expect(Array(found[1...]) == Array(inputs[1...]))
      }
    }
  }

  /// Several distances with one slot, each with its own, each farther from the last than one vector
  /// holds.
  @Test(arguments: Level.all, [(1, 3, 5), (1, 1, 37), (2, 1, 5), (17, 1, 16), (5, 4, 17)])
  func termsAreGatheredByDistance(level: Level, step: (slots: Int, distances: Int, rows: Int)) {
    var numbers = Numbers(seed: 5)
    for width in Level.widths {
      let (rows, first) = (step.rows, Int32(3))
      let slots = SlotWindow(rows: rows, columns: width, first: first) {
        $0 * step.slots / step.distances
      }
      let scores = (0..<rows).map { _ in numbers.mixed(width) }
      let byRow = (0..<rows).map { _ in numbers.mixed(slots.width) }
      let byColumn = (0..<width).map { _ in numbers.mixed(slots.width) }
      let (spread, rowTerms, columnTerms) = (
        SpreadRows(scores), SpreadRows(byRow), SpreadRows(byColumn)
      )
      for isByRow in [true, false] where width > 0 {
        let terms = isByRow ? rowTerms : columnTerms
        let found = unsafe offLines([spread.floats, terms.floats]) { at in
          unsafe slots.withCentre { centre in
            unsafe level {
              unsafe (isByRow ? $0.gather_by_row : $0.gather_by_column)?(
                at[0], spread.stride, rows, width, at[1], terms.stride, centre, first)
            }
          }
        }
        let expected = (0..<rows).map { i in
          (0..<width).map { j in
            let slot = slots[i - j] - Int(first)
            return scores[i][j] + (isByRow ? byRow[i][slot] : byColumn[j][slot])
          }
        }
        #expect(spread.rows(of: found[0]).map(\.bits) == expected.map(\.bits), "\(width)")
        #expect(found[1].bits == terms.floats.bits)
      }
    }
  }

  @Test(arguments: Level.all) func sixteenBitFloatsAreWidenedExactly(level: Level) {
    for width in Level.widths {
      // From a seed to patterns of all kinds: normal, subnormal, infinite, not a number.
      let patterns = [77] + (0..<width).map { UInt16(truncatingIfNeeded: $0 &* 40_503 &+ width) }
      let zeros = [Float](repeating: 0, count: width)
      let found = unsafe offLines([zeros, zeros]) { at in
        unsafe patterns.withUnsafeBufferPointer { patterns in
          guard let start = patterns.baseAddress else { return }
          unsafe level { unsafe $0.widen_half(start + 1, at[0], width) }
          unsafe level { unsafe $0.widen_bfloat(start + 1, at[1], width) }
        }
      }
      for (index, pattern) in patterns.dropFirst().enumerated() {
        let half = Float(Float16(bitPattern: pattern))
        let isRight = found[0][index].bitPattern == half.bitPattern || half.isNaN
        #expect(isRight && half.isNaN == found[0][index].isNaN, "\(pattern)")
        #expect(found[1][index].bitPattern == UInt32(pattern) << 16, "\(pattern)")
      }
    }
  }

  @Test(arguments: Level.all, [UInt64(0), .max, 0x0123_4567_89AB_CDEF])
  func theHashIsItsTwins(level: Level, seed: UInt64) {
    // Blocks have 128 bytes, and 16 of them are a run.
    for count in [0...260, 2040...2060, 4090...4100].joined() {
      let bytes = (0...count).map { UInt8(truncatingIfNeeded: $0 &* $0 &+ count) }
      let found = unsafe bytes.withUnsafeBufferPointer { bytes in
        unsafe level { unsafe $0.hash(bytes.baseAddress.map { unsafe $0 + 1 }, count, seed) }
      }
      #expect(found == Reference.hash(Array(bytes.dropFirst()), seed: seed), "\(count) bytes")
    }
  }
}

/// The slots of a block of scores as the kernels read them, every third distance in the next slot.
struct SlotWindow {
  private let slots: [Int32]
  private let columns: Int

  init(rows: Int, columns: Int, first: Int32, slot: (Int) -> Int) {
    self.columns = columns
    slots = (0..<rows + columns).map { Int32(slot($0)) + first }
  }

  /// Slots from the first to the last.
  var width: Int { Int((slots.last ?? 0) - (slots.first ?? 0)) + 1 }

  /// The slot of one distance, from 1 - columns to rows - 1.
  subscript(distance: Int) -> Int { Int(slots[distance + columns]) }

  /// The address of distance 0's slot.
  func withCentre(_ body: (UnsafePointer<Int32>) -> Void) {
    unsafe slots.withUnsafeBufferPointer { slots in
      guard let start = slots.baseAddress else { return }
      unsafe body(start + columns)
    }
  }
}
