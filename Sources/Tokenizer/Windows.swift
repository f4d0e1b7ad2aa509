/// Overlapping ranges of at most `size` that cover `0..<count`.
///
/// All have the full size when the text is longer than one; the last ends with the text, so it may
/// overlap its neighbour by more than the others do.
struct Windows {
  private let count: Int
  private let size: Int
  private let stride: Int
  /// How many there are; one for an empty text.
  let number: Int

  /// - Precondition: the overlap is smaller than a size above zero.
  init(count: Int, size: Int, overlap: Int) {
    precondition(count == 0 || size > 0)
    self.count = count
    self.size = size
    stride = max(1, size - overlap)
    number = count <= size ? 1 : (count - size + stride - 1) / stride + 1
  }

  /// The range of one window.
  subscript(index: Int) -> Range<Int> {
    precondition((0..<number).contains(index))
    if count <= size { return 0..<count }
    let start = min(index * stride, count - size)
    return start..<start + size
  }
}
