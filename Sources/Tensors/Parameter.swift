/// One weight of a model: read-only floats with a shape, kept alive by whoever holds them.
///
/// The floats stand either in a mapped file, where they cost no second copy, or in a matrix.
@safe package struct Parameter: @unchecked Sendable {
  // @unchecked Sendable: nobody writes the floats after `init`.

  /// Sizes, outermost first.
  package let shape: [Int]
  private let floats: UnsafeBufferPointer<Float>
  private let owner: AnyObject

  /// Wraps floats that stay valid and unchanged as long as `owner` lives.
  @unsafe package init(
    unsafeFloats floats: UnsafeBufferPointer<Float>, shape: [Int], owner: AnyObject
  ) {
    precondition(shape.reduce(1, *) == floats.count, "the shape does not fit the floats")
    unsafe self.floats = unsafe floats
    self.shape = shape
    self.owner = owner
  }

  /// Takes over a matrix; its shape is (rows, columns), or (columns) for a `vector`.
  package init(_ matrix: consuming Matrix, vector: Bool = false) {
    shape = vector ? [matrix.columns] : [matrix.rows, matrix.columns]
    let holder = Holder(matrix)
    owner = holder
    unsafe floats = unsafe holder.floats
  }

  /// A copy with the outermost size in the opposite order.
  var reversed: Parameter {
    var matrix = Matrix(
      rows: shape.count == 1 ? 1 : rows, columns: shape.count == 1 ? rows : columns)
    var copies = matrix.mutableValues
    for row in 0..<rows {
      for column in 0..<columns {
        copies[(rows - 1 - row) * columns + column] = values[row * columns + column]
      }
    }
    return Parameter(matrix, vector: shape.count == 1)
  }

  /// Floats of the outermost size.
  package var rows: Int { shape.first ?? 1 }

  /// Floats per row; 1 for a vector.
  package var columns: Int { shape.dropFirst().reduce(1, *) }

  /// Some rows, without a copy; beside a vector, a matrix.
  package func rows(_ range: Range<Int>) -> Parameter {
    let floats = unsafe UnsafeBufferPointer(
      rebasing: floats[range.lowerBound * columns..<range.upperBound * columns])
    let shape = shape.count == 1 ? [range.count] : [range.count, columns]
    return unsafe Parameter(unsafeFloats: floats, shape: shape, owner: owner)
  }

  /// Every float.
  package var values: Span<Float> {
    @_lifetime(borrow self) get {
      unsafe _overrideLifetime(Span(_unsafeElements: floats), borrowing: self)
    }
  }

  @safe private final class Holder {
    private let matrix: Matrix
    let floats: UnsafeBufferPointer<Float>

    init(_ matrix: consuming Matrix) {
      unsafe floats = matrix.values.withUnsafeBufferPointer { unsafe $0 }
      self.matrix = matrix
    }
  }
}
