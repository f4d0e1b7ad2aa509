import Tensors
import Testing

/// What a convolution's taps see, against the plain formula, and its transpose.
@Suite struct ConvolutionTests {
  private let device = CPUDevice(pool: WorkerPool(workers: 2))

  /// Row r, column c, tap k: the value at token rows[r] + k - taps/2, 0 outside the sequence.
  private func patches(
    _ input: [[Double]], sequence: Range<Int>, rows: Range<Int>, columns: Range<Int>, taps: Int
  ) -> [[Double]] {
    rows.map { centre in
      columns.flatMap { column in
        (0..<taps).map { tap in
          let token = centre + tap - taps / 2
          return sequence.contains(token) ? input[token][column] : 0
        }
      }
    }
  }

  @Test(arguments: [1, 3, 5, 9], [0..<7, 2..<5, 3..<4, 5..<7])
  func tapsSeeTheSequenceAndNothingElse(taps: Int, rows: Range<Int>) {
    var numbers = Numbers(seed: 1)
    let input = numbers.rows(9, 5)
    for sequence in [rows, 0..<7, 0..<9] {
      for columns in [0..<5, 1..<3, 4..<5] {
        let window = ConvolutionWindow(
          sequence: sequence, rows: rows, columns: columns, taps: taps)
        // What was there before must go.
        var found = Matrix(numbers.rows(rows.count + 1, columns.count * taps))
        let last = found.arrays[rows.count]
        device.unfold(Matrix(input), window, into: &found)
        let expected = patches(
          input.doubles, sequence: sequence, rows: rows, columns: columns, taps: taps)
        #expect(Array(found.arrays.dropLast()).doubles == expected)
        #expect(found.arrays[rows.count] == last)
      }
    }
  }

  @Test(arguments: [1, 3, 5, 9], [0..<7, 2..<5]) func foldingIsTheSlope(
    taps: Int, rows: Range<Int>
  ) {
    var numbers = Numbers(seed: 2)
    let (input, before) = (numbers.rows(9, 4), numbers.rows(9, 4))
    let gradient = numbers.rows(rows.count, 2 * taps)
    var found = Matrix(before)
    device.fold(
      Matrix(gradient),
      ConvolutionWindow(sequence: 0..<7, rows: rows, columns: 1..<3, taps: taps),
      addingTo: &found)
    let slopes = centralDifferences(at: input.doubles) { input in
      total(
        patches(input, sequence: 0..<7, rows: rows, columns: 1..<3, taps: taps), gradient.doubles)
    }
    let expected = zip(before.doubles, slopes).map { zip($0, $1).map(+) }
    #expect(distance(found.arrays, expected) < 1e-5)
  }

  @Test func groupsStandSideBySide() {
    var numbers = Numbers(seed: 3)
    let (matrix, group) = (numbers.rows(6, 5), numbers.rows(3, 2))
    let window = ConvolutionWindow(sequence: 1..<6, rows: 2..<4, columns: 3..<5, taps: 1)
    var target = Matrix(matrix)
    device.place(Matrix(group), window, into: &target)
    var expected = matrix
    for row in 0..<2 { expected[2 + row][3...] = group[row][...] }
    #expect(target.arrays == expected)
    var taken = Matrix(group)
    device.take(Matrix(matrix), window, into: &taken)
    #expect(taken.arrays == [Array(matrix[2][3...]), Array(matrix[3][3...]), group[2]])
  }
}
