import CKernels
import Glibc

/// The operations of a transformer on this machine's processors.
///
/// This is the seam for other devices: model code calls these operations on rows of floats and
/// holds no pointer, stride or library name. Rows are contiguous; shapes are (rows, columns).
package struct CPUDevice: Sendable {
  /// The threads that every operation is spread over.
  package let pool: WorkerPool

  /// A device on the threads of `pool`.
  package init(pool: WorkerPool) {
    self.pool = pool
  }

  /// What happens to the output of a linear map while it is still in the cache.
  package enum Finish: Sendable {
    /// The bias is left to a later operation.
    case product
    /// The bias is added.
    case bias
    /// The bias is added, then gelu applied.
    case biasAndGelu
  }

  /// output (rows, outputs) = map of input (rows, inputs).
  package func apply(
    _ linear: Linear, to input: Span<Float>, into output: inout MutableSpan<Float>,
    finish: Finish = .bias
  ) {
    precondition(input.count * linear.outputs == output.count * linear.inputs, "sizes differ")
    guard !input.isEmpty else { return }
    let left = unsafe Block(reading: input, columns: linear.inputs)
    let weight = unsafe linear.weight.block
    let bias = unsafe linear.bias?.block
    let result = unsafe Block(output, columns: linear.outputs)
    let grid = TileGrid(rows: unsafe left.rows, columns: linear.outputs, workers: pool.workers)
    pool.parallelFor(grid.count) { index, _ in
      let (rows, columns) = grid.tile(index)
      let tile = unsafe result.part(rows: rows, columns: columns)
      unsafe tile.setProduct(
        left.part(rows: rows, columns: 0..<linear.inputs),
        transposed: weight.part(rows: columns, columns: 0..<linear.inputs))
      guard let bias = unsafe bias else { return }
      switch finish {
      case .product: break
      case .bias: unsafe tile.addBias(bias.base + columns.lowerBound)
      case .biasAndGelu: unsafe tile.gelu(bias: bias.base + columns.lowerBound)
      }
    }
  }

  /// Each row of `values` is normalised.
  package func normalize(_ values: inout MutableSpan<Float>, _ norm: Normalization) {
    guard !values.isEmpty else { return }
    let block = unsafe Block(values, columns: norm.columns)
    let (scale, shift) = unsafe (norm.scale.block, norm.shift.block)
    forRanges(of: unsafe block.rows) { range in
      let rows = unsafe block.part(rows: range, columns: 0..<block.columns)
      unsafe kernel_normalize(
        rows.base, rows.rows, rows.columns, scale.base, shift.base, norm.epsilon)
    }
  }

  /// values (rows, columns) = the normalised rows of values + addend + bias.
  package func addNormalize(
    _ values: inout MutableSpan<Float>, addend: Span<Float>, biasOf linear: Linear,
    _ norm: Normalization
  ) {
    precondition(values.count == addend.count, "sizes differ")
    guard let unadded = linear.bias, !values.isEmpty else { return }
    let block = unsafe Block(values, columns: norm.columns)
    let other = unsafe Block(reading: addend, columns: norm.columns)
    let (scale, shift, bias) = unsafe (norm.scale.block, norm.shift.block, unadded.block)
    forRanges(of: unsafe block.rows) { range in
      let rows = unsafe block.part(rows: range, columns: 0..<block.columns)
      let addend = unsafe other.part(rows: range, columns: 0..<block.columns)
      unsafe kernel_add_normalize(
        rows.base, addend.base, bias.base, rows.rows, rows.columns, scale.base, shift.base,
        norm.epsilon)
    }
  }

  /// Row r of `output` becomes row `indices[r]` of `table`; every index must be a row of it.
  package func gather(
    _ table: Parameter, at indices: Span<Int32>, into output: inout MutableSpan<Float>
  ) {
    precondition(output.count == indices.count * table.columns, "sizes differ")
    for index in indices.indices {
      precondition(0 <= indices[index] && indices[index] < table.rows, "no such row")
    }
    guard !indices.isEmpty else { return }
    let source = unsafe table.block
    let result = unsafe Block(output, columns: table.columns)
    for row in indices.indices {
      let from = unsafe source.base + Int(indices[row]) * source.stride
      unsafe (result.base + row * result.stride).update(from: from, count: result.columns)
    }
  }

  /// Splits `rows` among the workers.
  private func forRanges(of rows: Int, _ body: @Sendable (Range<Int>) -> Void) {
    let size = max(8, (rows + 4 * pool.workers - 1) / (4 * pool.workers))
    pool.parallelFor((rows + size - 1) / size) { index, _ in
      body(index * size..<min(rows, (index + 1) * size))
    }
  }
}

extension Parameter {
  /// The floats as a matrix; a vector is one column, whose base is its first float.
  var block: Block {
    unsafe Block(reading: values, columns: columns)
  }
}
