import Glibc

/// Floats that training changes: one run of memory for all weights, or all gradients, of a model.
///
/// Operations read weights through `Parameter`s of the same memory. Phases keep them apart: nobody
/// changes weights while a forward or backward pass runs, and one thread at a time drives passes.
@safe package final class FloatArena: @unchecked Sendable {
  // @unchecked Sendable: see the phases above; inside an operation workers write disjoint parts.

  /// Floats in all.
  package let count: Int
  fileprivate let base: UnsafeMutablePointer<Float>
  private let memory: UnsafeMutableRawPointer

  /// `count` zeros, starting at a cache line.
  package init(count: Int) {
    precondition(count > 0, "an arena has floats")
    self.count = count
    guard let memory = unsafe calloc(count + 16, 4) else { preconditionFailure("out of memory") }
    unsafe self.memory = unsafe memory
    unsafe base = memory.alignedUp(toMultipleOf: 64).assumingMemoryBound(to: Float.self)
  }

  deinit { unsafe free(memory) }

  /// Some floats, for as long as the call lasts.
  package func withValues<R>(_ range: Range<Int>, _ body: (Span<Float>) throws -> R) rethrows -> R {
    precondition(0 <= range.lowerBound && range.upperBound <= count, "no such floats")
    let part = unsafe UnsafeBufferPointer(start: base + range.lowerBound, count: range.count)
    return try unsafe body(Span(_unsafeElements: part))
  }

  /// Some floats, for writing.
  package func withMutableValues<R>(
    _ range: Range<Int>, _ body: (inout MutableSpan<Float>) throws -> R
  ) rethrows -> R {
    precondition(0 <= range.lowerBound && range.upperBound <= count, "no such floats")
    let part = unsafe UnsafeMutableBufferPointer(
      start: base + range.lowerBound, count: range.count)
    var span = unsafe MutableSpan(_unsafeElements: part)
    return try body(&span)
  }

  /// Every float becomes 0.
  package func setZero() { unsafe base.update(repeating: 0, count: count) }

  fileprivate func parameter(at offset: Int, shape: [Int]) -> Parameter {
    let floats = unsafe UnsafeBufferPointer(
      start: base + offset, count: shape.reduce(1, *))
    return unsafe Parameter(unsafeFloats: floats, shape: shape, owner: self)
  }
}

/// One tensor in an arena.
package struct ArenaTensor: Sendable {
  /// Where the floats are.
  package let arena: FloatArena
  /// Index of the first float.
  package let offset: Int
  /// Sizes, outermost first.
  package let shape: [Int]

  /// The tensor of this shape that starts at `offset`.
  package init(arena: FloatArena, offset: Int, shape: [Int]) {
    precondition(offset + shape.reduce(1, *) <= arena.count, "the tensor ends behind the arena")
    self.arena = arena
    self.offset = offset
    self.shape = shape
  }

  /// Floats in all.
  package var count: Int { shape.reduce(1, *) }

  /// The indices of its floats.
  package var range: Range<Int> { offset..<offset + count }

  /// The same floats as operations read them: no copy.
  package var parameter: Parameter { arena.parameter(at: offset, shape: shape) }

  /// The floats as rows of the innermost size; a vector is one row.
  var block: Block {
    let columns = shape.last ?? 1
    return unsafe Block(
      arena.base + offset, rows: count / max(1, columns), columns: columns, stride: columns)
  }
}

extension Matrix {
  /// A copy of a tensor as rows of its innermost size.
  package init(copying tensor: ArenaTensor) {
    let columns = tensor.shape.last ?? 1
    self.init(rows: tensor.count / max(1, columns), columns: columns)
    guard tensor.count > 0 else { return }
    unsafe mutableBlock(rows: 0..<rows).copy(tensor.block)
  }
}
