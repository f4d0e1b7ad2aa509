import CKernels

/// The gradients of a linear map's weights.
package struct LinearGradient: Sendable {
  let weight: ArenaTensor
  let bias: ArenaTensor?

  /// `weight` is (outputs, inputs), `bias` (outputs).
  package init(weight: ArenaTensor, bias: ArenaTensor?) {
    self.weight = weight
    self.bias = bias
  }
}

/// The gradients of a normalisation's weights.
package struct NormalizationGradient: Sendable {
  let scale: ArenaTensor
  let shift: ArenaTensor

  /// Both have one float per column.
  package init(scale: ArenaTensor, shift: ArenaTensor) {
    self.scale = scale
    self.shift = shift
  }
}

/// Backward operations. Sums run in an order that does not depend on the number of workers, but
/// for OpenBLAS' own choice of tiles.
extension CPUDevice {
  /// Rows of result (inputs) = or += rows of gradient (outputs) · weight.
  package func applyTransposed(
    _ linear: Linear, to gradient: borrowing Matrix, rows: Range<Int>,
    into result: inout Matrix, rows resultRows: Range<Int>, adds: Bool
  ) {
    precondition(rows.count == resultRows.count, "each row in gives one row out")
    precondition(
      gradient.columns == linear.outputs && result.columns == linear.inputs, "sizes differ")
    guard !rows.isEmpty else { return }
    let left = unsafe gradient.block(rows: rows)
    let target = unsafe result.mutableBlock(rows: resultRows)
    let weight = unsafe linear.weight.block
    unsafe multiply(.rows(left), .columns(weight), into: target, adds: adds)
  }

  /// Weight gradient += gradientᵀ · input, bias gradient += sum of the gradient's rows.
  package func accumulate(
    _ total: LinearGradient, gradient: borrowing Matrix, rows: Range<Int>,
    input: borrowing Matrix, rows inputRows: Range<Int>
  ) {
    precondition(rows.count == inputRows.count, "each row of the input has a gradient")
    precondition(total.weight.shape == [gradient.columns, input.columns], "sizes differ")
    guard !rows.isEmpty else { return }
    let left = unsafe gradient.block(rows: rows)
    let right = unsafe input.block(rows: inputRows)
    let target = unsafe total.weight.block
    let bias = unsafe total.bias?.block
    unsafe multiply(.columns(left), .columns(right), into: target, adds: true)
    guard let bias = unsafe bias else { return }
    forRanges(of: gradient.columns) { columns in
      let part = unsafe left.part(rows: 0..<left.rows, columns: columns)
      unsafe kernel_add_rows(
        bias.base + columns.lowerBound, part.base, part.stride, part.rows, part.columns)
    }
  }

  /// Rows of results = a function of rows of inputs.
  package func apply(
    _ activation: Activation, to inputs: borrowing Matrix, rows: Range<Int>,
    into results: inout Matrix,
    rows resultRows: Range<Int>
  ) {
    precondition(inputs.columns == results.columns, "sizes differ")
    guard !rows.isEmpty else { return }
    let source = unsafe inputs.block(rows: rows)
    let target = unsafe results.mutableBlock(rows: resultRows)
    forRanges(of: rows.count) { range in
      let part = unsafe source.part(rows: range, columns: 0..<source.columns)
      let (result, count) = unsafe (
        target.base + range.lowerBound * target.stride, part.rows * part.columns
      )
      switch activation {
      case .gelu: unsafe kernel_gelu_of(result, part.base, count)
      case .tanh: unsafe kernel_tanh_of(result, part.base, count)
      }
    }
  }

  /// Rows of gradient *= a function's slope at rows of inputs.
  package func applyGradient(
    of activation: Activation, to gradient: inout Matrix, rows: Range<Int>,
    inputs: borrowing Matrix, rows inputRows: Range<Int>
  ) {
    precondition(inputs.columns == gradient.columns, "sizes differ")
    guard !rows.isEmpty else { return }
    let target = unsafe gradient.mutableBlock(rows: rows)
    let source = unsafe inputs.block(rows: inputRows)
    forRanges(of: rows.count) { range in
      let part = unsafe target.part(rows: range, columns: 0..<target.columns)
      let (inputs, count) = unsafe (
        source.base + range.lowerBound * source.stride, part.rows * part.columns
      )
      switch activation {
      case .gelu: unsafe kernel_gelu_gradient(part.base, inputs, count)
      case .tanh: unsafe kernel_tanh_gradient(part.base, inputs, count)
      }
    }
  }

  /// The first rows of `output` become the normalisation of those of `input`.
  package func normalize(
    _ input: borrowing Matrix, rows: Range<Int>, into output: inout Matrix, _ norm: Normalization
  ) {
    copy(input, rows: rows, into: &output, rows: rows)
    normalize(&output, rows: rows, norm)
  }

  /// From the gradient at a normalisation's output to the one at its `inputs`, in place.
  package func normalizeGradient(
    _ gradient: inout Matrix, inputs: borrowing Matrix, rows: Range<Int>, _ norm: Normalization,
    _ total: NormalizationGradient
  ) {
    precondition(gradient.columns == norm.columns && inputs.columns == norm.columns, "sizes differ")
    guard !rows.isEmpty else { return }
    let parts = 8
    var sums = Matrix(rows: 2 * parts, columns: norm.columns)
    let target = unsafe gradient.mutableBlock(rows: rows)
    let source = unsafe inputs.block(rows: rows)
    let partial = unsafe sums.mutableBlock(rows: 0..<2 * parts)
    let scale = unsafe norm.scale.block
    pool.parallelFor(parts) { part, _ in
      let range = rows.count * part / parts..<rows.count * (part + 1) / parts
      let some = unsafe target.part(rows: range, columns: 0..<target.columns)
      unsafe kernel_normalize_gradient(
        some.base, source.base + range.lowerBound * source.stride, some.rows, some.columns,
        scale.base, norm.epsilon, partial.base + 2 * part * partial.stride,
        partial.base + (2 * part + 1) * partial.stride)
    }
    let (scaleTotal, shiftTotal) = unsafe (total.scale.block, total.shift.block)
    for part in 0..<parts {
      unsafe kernel_add(
        scaleTotal.base, partial.base + 2 * part * partial.stride, norm.columns)
      unsafe kernel_add(
        shiftTotal.base, partial.base + (2 * part + 1) * partial.stride, norm.columns)
    }
  }

  /// Rows of `matrix` += rows of `addend`.
  package func add(
    _ addend: borrowing Matrix, rows: Range<Int>, to matrix: inout Matrix,
    rows targetRows: Range<Int>
  ) {
    precondition(addend.columns == matrix.columns, "sizes differ")
    guard !rows.isEmpty else { return }
    let source = unsafe addend.block(rows: rows)
    let target = unsafe matrix.mutableBlock(rows: targetRows)
    forRanges(of: rows.count) { range in
      let part = unsafe target.part(rows: range, columns: 0..<target.columns)
      unsafe kernel_add(
        part.base, source.base + range.lowerBound * source.stride, part.rows * part.columns)
    }
  }

  /// Rows of `output` become rows of `input`.
  package func copy(
    _ input: borrowing Matrix, rows: Range<Int>, into output: inout Matrix,
    rows outputRows: Range<Int>
  ) {
    precondition(input.columns == output.columns && rows.count == outputRows.count, "sizes differ")
    guard !rows.isEmpty else { return }
    let source = unsafe input.block(rows: rows)
    let target = unsafe output.mutableBlock(rows: outputRows)
    unsafe target.copy(source)
  }

  /// Some rows become zeros.
  package func setZero(_ matrix: inout Matrix, rows: Range<Int>) {
    guard !rows.isEmpty else { return }
    unsafe matrix.mutableBlock(rows: rows).setZero()
  }

  /// Drops values of some rows; row r, column c has the number r · columns + c.
  package func drop(_ matrix: inout Matrix, rows: Range<Int>, _ dropout: Dropout?) {
    guard let dropout, dropout.probability > 0, !rows.isEmpty else { return }
    let target = unsafe matrix.mutableBlock(rows: rows)
    forRanges(of: rows.count) { range in
      unsafe dropout.apply(
        to: target.part(rows: range, columns: 0..<target.columns),
        first: (rows.lowerBound + range.lowerBound) * target.columns)
    }
  }

  /// Row indices[r] of `total` (rows, columns) += row r of `gradient`, for every r.
  package func scatterAdd(
    _ gradient: borrowing Matrix, at indices: Span<Int32>, to total: ArenaTensor
  ) {
    guard !indices.isEmpty else { return }
    let source = unsafe gradient.block(rows: 0..<indices.count)
    let target = unsafe total.block
    precondition(unsafe source.columns == target.columns, "sizes differ")
    for row in indices.indices {
      let index = Int(indices[row])
      precondition(unsafe 0 <= index && index < target.rows, "no such row")
      unsafe kernel_add(
        target.base + index * target.stride, source.base + row * source.stride, source.columns)
    }
  }
}
