import CKernels

/// The rows of a large table that are not zero: the gradient of embeddings.
package final class SparseRows {
  /// Rows of the table.
  package let rows: Int
  /// Floats per row.
  package let columns: Int
  /// The rows that are present, in the order of their first addition.
  package private(set) var indices: [Int32] = []
  private var places: [Int32]
  private var values: [Float] = []

  /// A table of zeros.
  package init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    places = Array(repeating: -1, count: rows)
  }

  /// All rows become zero again.
  package func clear() {
    for index in indices { places[Int(index)] = -1 }
    indices.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
  }

  /// Row indices[r] += row r of `addend`, for every r.
  package func add(_ addend: borrowing Matrix, at indices: Span<Int32>) {
    precondition(addend.columns == columns && indices.count <= addend.rows, "sizes differ")
    guard !indices.isEmpty else { return }
    let source = unsafe addend.block(rows: 0..<indices.count)
    for row in indices.indices {
      let place = place(of: Int(indices[row]))
      unsafe values.withUnsafeMutableBufferPointer { values in
        guard let base = values.baseAddress else { return }
        unsafe kernel_add(base + place * columns, source.base + row * source.stride, columns)
      }
    }
  }

  /// The floats of one row; nil when it is zero.
  package func row(_ index: Int) -> ArraySlice<Float>? {
    let place = Int(places[index])
    return place < 0 ? nil : values[place * columns..<(place + 1) * columns]
  }

  /// The sum of the squares of all floats.
  package func sumOfSquares() -> Double {
    unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return 0 }
      return unsafe kernel_sum_of_squares(base, values.count)
    }
  }

  /// Calls `body` with the start of a row, or nil where it is zero.
  func withRow(_ index: Int, _ body: (UnsafePointer<Float>?) -> Void) {
    let place = Int(places[index])
    unsafe values.withUnsafeBufferPointer { values in
      unsafe body(place < 0 ? nil : values.baseAddress.map { unsafe $0 + place * columns })
    }
  }

  private func place(of row: Int) -> Int {
    if places[row] < 0 {
      places[row] = Int32(indices.count)
      indices.append(Int32(row))
      values.append(contentsOf: repeatElement(0, count: columns))
    }
    return Int(places[row])
  }
}
