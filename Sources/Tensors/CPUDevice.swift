import CKernels

/// The operations of a transformer on this machine's processors.
///
/// This is the seam for other devices: model code calls these operations on rows of floats and
/// holds no pointer, stride or library name.
package struct CPUDevice: Sendable {
  /// The threads that every operation is spread over.
  package let pool: WorkerPool
  /// For products of 16-bit floats; nil multiplies 32-bit floats.
  private let narrowProducts: NarrowProducts?

  /// A device on the threads of `pool`.
  ///
  /// - Parameters:
  ///   - training: what linear maps that are not packed multiply. One thread at a time may use a
  ///     device that multiplies 16-bit floats so.
  ///   - level: what multiplies those; nil for the fastest that this processor has.
  package init(
    pool: WorkerPool, training: TrainingPrecision = .fp32, level: ProductLevel? = nil
  ) {
    self.pool = pool
    narrowProducts = training == .bf16 ? NarrowProducts(level: level) : nil
  }

  /// What happens to the output of a linear map while it is still in the cache.
  package enum Finish: Sendable {
    /// The bias is left to a later operation.
    case product
    /// The bias is added.
    case bias
    /// The bias is added, then a function applied.
    case biasAnd(Activation)
  }

  /// Rows of output (outputs) = map of rows of input (inputs), as many.
  package func apply(
    _ linear: Linear, to input: borrowing Matrix, rows inputRows: Range<Int>,
    into output: inout Matrix, rows outputRows: Range<Int>, finish: Finish = .bias
  ) {
    precondition(inputRows.count == outputRows.count, "each row in gives one row out")
    precondition(input.columns == linear.inputs && output.columns == linear.outputs, "sizes differ")
    guard !inputRows.isEmpty else { return }
    let left = unsafe input.block(rows: inputRows)
    let result = unsafe output.mutableBlock(rows: outputRows)
    let weight = unsafe linear.weight.block
    let bias = unsafe linear.bias?.block
    unsafe multiply(.rows(left), .rows(weight), into: result) { tile, columns in
      guard let bias = unsafe bias else { return }
      switch finish {
      case .product: break
      case .bias: unsafe tile.addBias(bias.base + columns.lowerBound)
      case .biasAnd(.gelu): unsafe tile.gelu(bias: bias.base + columns.lowerBound)
      case .biasAnd(.tanh): unsafe tile.tanh(bias: bias.base + columns.lowerBound)
      }
    }
  }

  /// target (rows, columns) = or += left · right, where both have as many inputs; `finish` gets
  /// each tile when it is done, and its columns.
  func multiply(
    _ left: ProductOperand, _ right: ProductOperand, into target: Block, adds: Bool = false,
    finish: @Sendable (Block, Range<Int>) -> Void = { _, _ in }
  ) {
    if let narrowProducts {
      unsafe narrowProducts.multiply(
        left, right, into: target, adds: adds, on: pool, finish: finish)
      return
    }
    let grid = unsafe TileGrid(rows: left.count, columns: right.count, workers: pool.workers)
    pool.parallelFor(grid.count) { index, _ in
      let (rows, columns) = grid.tile(index)
      let tile = unsafe target.part(rows: rows, columns: columns)
      unsafe tile.multiply(
        left.part(rows), transposed: left.isTransposed, right.part(columns),
        transposed: !right.isTransposed, adds: adds)
      unsafe finish(tile, columns)
    }
  }

  /// As above; a packed map packs its inputs into `packing` first.
  package func apply(
    _ linear: Linear, to input: borrowing Matrix, rows inputRows: Range<Int>,
    into output: inout Matrix, rows outputRows: Range<Int>, finish: Finish = .bias,
    packing: inout PackedRows
  ) {
    guard case .packed(let weight) = linear.contents else {
      apply(
        linear, to: input, rows: inputRows, into: &output, rows: outputRows, finish: finish)
      return
    }
    precondition(inputRows.count == outputRows.count, "each row in gives one row out")
    precondition(input.columns == weight.inputs && output.columns == weight.outputs, "sizes differ")
    guard !inputRows.isEmpty else { return }
    let left = unsafe input.block(rows: inputRows)
    let result = unsafe output.mutableBlock(rows: outputRows)
    let packed = unsafe packing.reserve(
      rows: inputRows.count, inputs: weight.inputs, weight.format)
    forRanges(of: inputRows.count) { rows in
      unsafe weight.pack(
        left.part(rows: rows, columns: 0..<weight.inputs), into: packed.from(row: rows.lowerBound))
    }
    let grid = TileGrid(
      rows: inputRows.count, columns: weight.outputs, workers: pool.workers,
      columnStep: PackedWeight.panel)
    pool.parallelFor(grid.count) { index, _ in
      let (rows, columns) = grid.tile(index)
      unsafe weight.multiply(
        packed.from(row: rows.lowerBound), outputs: columns, finish: finish,
        into: result.part(rows: rows, columns: columns))
    }
  }

  /// Some rows of `matrix` become their normalisation.
  package func normalize(_ matrix: inout Matrix, rows: Range<Int>, _ norm: Normalization) {
    precondition(matrix.columns == norm.columns, "sizes differ")
    guard !rows.isEmpty else { return }
    let block = unsafe matrix.mutableBlock(rows: rows)
    let (scale, shift) = unsafe (norm.scale.block, norm.shift.block)
    forRanges(of: rows.count) { range in
      let part = unsafe block.part(rows: range, columns: 0..<block.columns)
      unsafe kernel_normalize(
        part.base, part.rows, part.columns, scale.base, shift.base, norm.epsilon)
    }
  }

  /// Some rows of `matrix` become the normalisation of themselves + addend + the bias of `linear`,
  /// whose product the addend is.
  package func addNormalize(
    _ matrix: inout Matrix, addend: borrowing Matrix, rows: Range<Int>, biasOf linear: Linear,
    _ norm: Normalization
  ) {
    precondition(matrix.columns == norm.columns && addend.columns == norm.columns, "sizes differ")
    guard let unadded = linear.bias, !rows.isEmpty else { return }
    let block = unsafe matrix.mutableBlock(rows: rows)
    let other = unsafe addend.block(rows: rows)
    let (scale, shift, bias) = unsafe (norm.scale.block, norm.shift.block, unadded.block)
    forRanges(of: rows.count) { range in
      let part = unsafe block.part(rows: range, columns: 0..<block.columns)
      let addend = unsafe other.part(rows: range, columns: 0..<block.columns)
      unsafe kernel_add_normalize(
        part.base, addend.base, bias.base, part.rows, part.columns, scale.base, shift.base,
        norm.epsilon)
    }
  }

  /// Row r of `output` becomes row `indices[r]` of `table`; every index must be a row of it.
  package func gather(_ table: Parameter, at indices: Span<Int32>, into output: inout Matrix) {
    precondition(output.columns == table.columns, "sizes differ")
    guard !indices.isEmpty else { return }
    let source = unsafe table.block
    let result = unsafe output.mutableBlock(rows: 0..<indices.count)
    for row in indices.indices {
      let index = Int(indices[row])
      precondition(0 <= index && index < table.rows, "no such row")
      unsafe (result.base + row * result.stride).update(
        from: source.base + index * source.stride, count: result.columns)
    }
  }

  /// Splits `rows` among the workers.
  func forRanges(of rows: Int, _ body: @Sendable (Range<Int>) -> Void) {
    let size = max(8, (rows + 4 * pool.workers - 1) / (4 * pool.workers))
    pool.parallelFor((rows + size - 1) / size) { index, _ in
      body(index * size..<min(rows, (index + 1) * size))
    }
  }
}

extension Matrix {
  /// Some rows, to read. Valid while the matrix is borrowed: an operation makes its blocks from its
  /// arguments and lets none outlive the call.
  package func block(rows: Range<Int>) -> Block {
    unsafe Block(reading: values(rows: rows), columns: columns)
  }

  /// Some rows, to write.
  package mutating func mutableBlock(rows: Range<Int>) -> Block {
    let columns = columns
    return unsafe Block(mutableValues(rows: rows), columns: columns)
  }
}

extension Parameter {
  /// The floats as a matrix; a vector is one column, whose base is its first float.
  var block: Block {
    unsafe Block(reading: values, columns: columns)
  }
}
