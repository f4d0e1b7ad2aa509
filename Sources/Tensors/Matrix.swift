import Glibc

/// Floats in rows, owned, zero at first, starting at a cache line.
///
/// Pages that are never touched take no memory, so a generous capacity is cheap.
@safe package struct Matrix: ~Copyable, @unchecked Sendable {
  // @unchecked Sendable: the memory has one owner, and Swift's exclusivity guards access to it.

  /// Rows, each of `columns` floats without gaps.
  package let rows: Int
  /// Floats per row.
  package let columns: Int
  private let memory: UnsafeMutableRawPointer?
  private let floats: UnsafeMutablePointer<Float>?

  /// A matrix of zeros; without rows or columns it owns no memory.
  package init(rows: Int, columns: Int) {
    precondition(rows >= 0 && columns >= 0, "a matrix has no negative size")
    self.rows = rows
    self.columns = columns
    let (bytes, overflow) = (rows * columns).multipliedReportingOverflow(by: 4)
    precondition(!overflow, "the matrix is larger than the address space")
    if bytes == 0 {
      unsafe memory = nil
      unsafe floats = nil
    } else {
      let line = 64
      unsafe memory = calloc(bytes + line, 1)
      unsafe floats = memory?.alignedUp(toMultipleOf: line).assumingMemoryBound(to: Float.self)
      unsafe precondition(memory != nil, "out of memory")
    }
  }

  deinit { unsafe free(memory) }

  /// Every float, row after row.
  package var values: Span<Float> {
    @_lifetime(borrow self) get {
      let all = unsafe UnsafeBufferPointer(start: floats, count: rows * columns)
      return unsafe _overrideLifetime(Span(_unsafeElements: all), borrowing: self)
    }
  }

  /// Every float, row after row, for writing.
  package var mutableValues: MutableSpan<Float> {
    @_lifetime(&self) mutating get {
      let all = unsafe UnsafeMutableBufferPointer(start: floats, count: rows * columns)
      return unsafe _overrideLifetime(MutableSpan(_unsafeElements: all), mutating: &self)
    }
  }

  /// Some rows.
  @_lifetime(borrow self)
  package func values(rows range: Range<Int>) -> Span<Float> {
    let part = values.extracting(range.lowerBound * columns..<range.upperBound * columns)
    return unsafe _overrideLifetime(part, borrowing: self)
  }

  /// Some rows, for writing.
  @_lifetime(&self)
  package mutating func mutableValues(rows range: Range<Int>) -> MutableSpan<Float> {
    precondition(0 <= range.lowerBound && range.upperBound <= rows, "no such rows")
    let part = unsafe UnsafeMutableBufferPointer(
      start: floats.map { unsafe $0 + range.lowerBound * columns }, count: range.count * columns)
    return unsafe _overrideLifetime(MutableSpan(_unsafeElements: part), mutating: &self)
  }
}
