import COpenBLAS
import CKernels

/// A rectangle of floats inside a row-major matrix, without ownership or bounds checks: what the
/// operations of this module hand to C. Code outside works with spans.
@unsafe package struct Block: @unchecked Sendable {
  // @unchecked Sendable: concurrent iterations write disjoint rectangles; see each operation.

  package var base: UnsafeMutablePointer<Float>
  package var rows: Int
  package var columns: Int
  /// Floats from one row to the next.
  package var stride: Int

  /// All of a span as rows of `columns`. Valid while the span is borrowed: an operation makes its
  /// blocks from its arguments and lets none outlive the call.
  package init(_ span: borrowing MutableSpan<Float>, columns: Int) {
    let start = unsafe span.withUnsafeBufferPointer { $0.baseAddress }
    unsafe self.init(start: start, rows: span.count / columns, columns: columns)
  }

  /// As above, for operands that are only read.
  package init(reading span: Span<Float>, columns: Int) {
    let start = unsafe span.withUnsafeBufferPointer { $0.baseAddress }
    unsafe self.init(start: start, rows: span.count / columns, columns: columns)
  }

  private init(start: UnsafePointer<Float>?, rows: Int, columns: Int) {
    guard let start = unsafe start else { preconditionFailure("a block has at least one float") }
    unsafe self.init(
      UnsafeMutablePointer(mutating: start), rows: rows, columns: columns, stride: columns)
  }

  /// Rows that are `stride` floats apart.
  package init(_ base: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int) {
    unsafe self.base = unsafe base
    unsafe self.rows = rows
    unsafe self.columns = columns
    unsafe self.stride = stride
  }

  /// The rectangle of these rows and columns.
  package func part(rows: Range<Int>, columns: Range<Int>) -> Block {
    unsafe Block(
      base + rows.lowerBound * stride + columns.lowerBound, rows: rows.count,
      columns: columns.count, stride: stride)
  }

  /// Becomes left (rows, k) times right (columns, k) transposed.
  package func setProduct(_ left: Block, transposed right: Block) {
    unsafe multiply(left, transposed: false, right, transposed: true, adds: false)
  }

  /// Becomes left (rows, k) times right (k, columns).
  package func setProduct(_ left: Block, _ right: Block) {
    unsafe multiply(left, transposed: false, right, transposed: false, adds: false)
  }

  /// Adds scale · left (rows, k) times right (k, columns).
  package func addProduct(_ left: Block, _ right: Block, scale: Float = 1) {
    unsafe multiply(left, transposed: false, right, transposed: false, adds: true, scale: scale)
  }

  /// Adds scale · left (rows, k) times right (columns, k) transposed.
  package func addProduct(_ left: Block, transposed right: Block, scale: Float = 1) {
    unsafe multiply(left, transposed: false, right, transposed: true, adds: true, scale: scale)
  }

  /// Adds scale · left (k, rows) transposed times right (k, columns).
  package func addProduct(transposed left: Block, _ right: Block, scale: Float = 1) {
    unsafe multiply(left, transposed: true, right, transposed: false, adds: true, scale: scale)
  }

  /// Becomes, or adds, scale · left (rows, k) times right (k, columns), each of which may be given
  /// as its transpose.
  func multiply(
    _ left: Block, transposed leftIsTransposed: Bool, _ right: Block,
    transposed rightIsTransposed: Bool, adds: Bool, scale: Float = 1
  ) {
    unsafe cblas_sgemm(
      CblasRowMajor, leftIsTransposed ? CblasTrans : CblasNoTrans,
      rightIsTransposed ? CblasTrans : CblasNoTrans, Int32(rows), Int32(columns),
      Int32(leftIsTransposed ? left.rows : left.columns), scale, left.base, Int32(left.stride),
      right.base, Int32(right.stride), adds ? 1 : 0, base, Int32(stride))
  }

  /// Every float becomes 0.
  package func setZero() {
    for row in unsafe 0..<rows { unsafe (base + row * stride).update(repeating: 0, count: columns) }
  }

  /// Becomes a copy of a block of the same size.
  package func copy(_ source: Block) {
    for row in unsafe 0..<rows {
      unsafe (base + row * stride).update(from: source.base + row * source.stride, count: columns)
    }
  }

  /// Adds `bias` (columns) to each row.
  package func addBias(_ bias: UnsafePointer<Float>) {
    unsafe kernel_add_bias(base, stride, rows, columns, bias)
  }

  /// Becomes gelu(self + bias), with the error function, not its tanh approximation.
  package func gelu(bias: UnsafePointer<Float>) {
    unsafe kernel_gelu(base, stride, rows, columns, bias)
  }

  /// Becomes tanh(self + bias).
  package func tanh(bias: UnsafePointer<Float>) {
    unsafe kernel_tanh(base, stride, rows, columns, bias)
  }

  /// Each row becomes softmax(scale · row); scale is positive.
  package func softmax(scale: Float) {
    unsafe kernel_softmax(base, stride, rows, columns, scale)
  }
}

/// Must run before the first product of this process.
func prepareMatrixProducts() {
  // The pool's workers split each product themselves, so OpenBLAS stays on the calling thread.
  openblas_set_num_threads(1)
}

/// OpenBLAS and the processor that it has its loops for, which library.c of CKernels may have
/// chosen.
package func matrixLibrary() -> String {
  let name = unsafe openblas_get_corename().map { unsafe String(cString: $0) }
  return "OpenBLAS for \(name ?? "an unknown processor")"
}
