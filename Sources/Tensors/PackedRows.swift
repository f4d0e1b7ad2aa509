import CKernels

/// Memory for rows in the format of what they are multiplied with; it grows with the largest.
package struct PackedRows: ~Copyable, Sendable {
  private var values = Matrix(rows: 0, columns: 0)
  private var scales = Matrix(rows: 0, columns: 0)

  /// Empty.
  package init() {}

  /// Packed rows, valid as long as the memory is not asked for more.
  @unsafe struct Memory: @unchecked Sendable {
    // @unchecked Sendable: iterations write disjoint rows, and read when all are written.

    let values: UnsafeMutableRawPointer
    let scales: UnsafeMutablePointer<byte_scale>
    let rowBytes: Int

    /// From one row on.
    func from(row: Int) -> Memory {
      unsafe Memory(values: values + row * rowBytes, scales: scales + row, rowBytes: rowBytes)
    }
  }

  /// Room for rows of so many floats.
  mutating func reserve(rows: Int, inputs: Int, _ format: ProductFormat) -> Memory {
    let rowBytes = format.bytes(ofInputs: inputs)
    let floats = (rows * rowBytes + 3) / 4
    if floats > values.columns { values = Matrix(rows: 1, columns: floats) }
    if 2 * rows > scales.columns { scales = Matrix(rows: 1, columns: 2 * rows) }
    return unsafe Memory(
      values: UnsafeMutableRawPointer(values.mutableBlock(rows: 0..<1).base),
      scales: UnsafeMutableRawPointer(scales.mutableBlock(rows: 0..<1).base)
        .assumingMemoryBound(to: byte_scale.self), rowBytes: rowBytes)
  }
}
