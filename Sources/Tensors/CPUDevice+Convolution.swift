/// What a convolution reads and writes: some columns of some tokens of one sequence.
///
/// One layer of a model has a convolution, and these loops are little beside its products: so they
/// are plain, and on the calling thread.
package struct ConvolutionWindow: Sendable {
  /// Rows of the sequence's tokens: beyond them is nothing but 0.
  let sequence: Range<Int>
  /// Rows of the tokens in whose places the taps are centred.
  let rows: Range<Int>
  /// Columns of one group.
  let columns: Range<Int>
  /// An odd number of tokens: as many before the centre as behind it.
  let taps: Int

  /// A window over tokens of `sequence`.
  package init(sequence: Range<Int>, rows: Range<Int>, columns: Range<Int>, taps: Int) {
    precondition(taps % 2 == 1, "the centre is a token")
    precondition(sequence.clamped(to: rows) == rows, "the rows are the sequence's")
    self.sequence = sequence
    self.rows = rows
    self.columns = columns
    self.taps = taps
  }

  /// Floats that the taps see.
  var patch: Int { columns.count * taps }
}

extension CPUDevice {
  /// The first rows of `patches` become what the taps see: column by column, and in each tap by
  /// tap, as PyTorch orders a convolution's weights.
  package func unfold(
    _ input: borrowing Matrix, _ window: ConvolutionWindow, into patches: inout Matrix
  ) {
    precondition(patches.columns == window.patch, "sizes differ")
    setZero(&patches, rows: 0..<window.rows.count)
    let source = input.values
    let (width, first) = (input.columns, window.columns.lowerBound)
    var target = patches.mutableValues
    for (row, centre) in window.rows.enumerated() {
      for tap in 0..<window.taps {
        let token = centre + tap - window.taps / 2
        guard window.sequence.contains(token) else { continue }
        for column in 0..<window.columns.count {
          target[row * window.patch + column * window.taps + tap] =
            source[token * width + first + column]
        }
      }
    }
  }

  /// The transpose of `unfold`: adds the gradient at what the taps saw to the one at the input.
  package func fold(
    _ patches: borrowing Matrix, _ window: ConvolutionWindow, addingTo gradient: inout Matrix
  ) {
    precondition(patches.columns == window.patch, "sizes differ")
    let source = patches.values
    let (width, first) = (gradient.columns, window.columns.lowerBound)
    var target = gradient.mutableValues
    for (row, centre) in window.rows.enumerated() {
      for tap in 0..<window.taps {
        let token = centre + tap - window.taps / 2
        guard window.sequence.contains(token) else { continue }
        for column in 0..<window.columns.count {
          target[token * width + first + column] +=
            source[row * window.patch + column * window.taps + tap]
        }
      }
    }
  }

  /// The window's rows and columns of `matrix` become the first rows of `group`.
  package func place(
    _ group: borrowing Matrix, _ window: ConvolutionWindow, into matrix: inout Matrix
  ) {
    guard !window.rows.isEmpty else { return }
    let source = unsafe group.block(rows: 0..<window.rows.count)
    let target = unsafe matrix.mutableBlock(rows: window.rows)
    unsafe target.part(rows: 0..<window.rows.count, columns: window.columns).copy(source)
  }

  /// The first rows of `group` become the window's rows and columns of `matrix`.
  package func take(
    _ matrix: borrowing Matrix, _ window: ConvolutionWindow, into group: inout Matrix
  ) {
    guard !window.rows.isEmpty else { return }
    let source = unsafe matrix.block(rows: window.rows)
    let target = unsafe group.mutableBlock(rows: 0..<window.rows.count)
    unsafe target.copy(source.part(rows: 0..<window.rows.count, columns: window.columns))
  }
}
