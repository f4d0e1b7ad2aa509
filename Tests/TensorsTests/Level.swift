import KernelLevels
import Tensors
import Testing

/// The kernels for one instruction set, of those that this processor has.
struct Level: Sendable, CustomTestStringConvertible {
  private let index: Int

  /// The loader's pick first.
  static let all = (0..<Int(kernel_level_count)).map(Level.init).filter {
    unsafe kernels_of_level($0.index) != nil
  }

  /// 0 to twice the floats of the widest step: four registers of 16 floats in an unrolled loop.
  static let widths = 0...130

  /// Calls `body` with the kernels.
  func callAsFunction<R>(_ body: (kernel_level) throws -> R) rethrows -> R? {
    guard let kernels = unsafe kernels_of_level(index) else { return nil }
    return try unsafe body(kernels.pointee)
  }

  var testDescription: String {
    guard let kernels = unsafe kernels_of_level(index) else { return "none" }
    return unsafe String(cString: kernels.pointee.name)
  }
}

/// What stands where no kernel has anything to do.
private let guardian: Float = 77

/// Runs `body` on copies of `arrays`, each one float past a cache line, and returns what is then
/// there. The floats around each, all of them `guardian`, may not change, and who uses one in a sum
/// is found out.
func offLines(
  _ arrays: [[Float]], sourceLocation: SourceLocation = #_sourceLocation,
  _ body: ([UnsafeMutablePointer<Float>]) -> Void
) -> [[Float]] {
  let line = 16
  var starts: [Int] = []
  var end = line + 1
  for array in arrays {
    starts.append(end)
    end += (array.count + line - 1) / line * line + 2 * line
  }
  var memory = Matrix(rows: 1, columns: end)
  let base = unsafe memory.mutableBlock(rows: 0..<1).base
  unsafe base.update(repeating: guardian, count: end)
  for (start, array) in zip(starts, arrays) {
    for (index, value) in array.enumerated() { unsafe base[start + index] = value }
  }
  unsafe body(starts.map { unsafe base + $0 })
  let results = zip(starts, arrays).map { start, array in
    array.indices.map { unsafe base[start + $0] }
  }
  for (start, array) in zip(starts, arrays) {
    for index in array.indices { unsafe base[start + index] = guardian }
  }
  let isIntact = (0..<end).allSatisfy { unsafe base[$0] == guardian }
  #expect(isIntact, "written outside", sourceLocation: sourceLocation)
  _ = consume memory
  return results
}

/// Rows three floats apart, with guardians between them.
struct SpreadRows {
  let floats: [Float]
  let stride: Int
  private let rows: Int

  init(_ rows: [[Float]]) {
    stride = (rows.first?.count ?? 0) + 3
    self.rows = rows.count
    floats = rows.flatMap { $0 + [guardian, guardian, guardian] }
  }

  /// The rows in floats that a kernel left; what is between them must not have changed.
  func rows(
    of floats: [Float], sourceLocation: SourceLocation = #_sourceLocation
  ) -> [[Float]] {
    (0..<rows).map { row in
      let end = (row + 1) * stride
      let isIntact = floats[end - 3..<end].allSatisfy { $0 == guardian }
      #expect(isIntact, "written between rows", sourceLocation: sourceLocation)
      return Array(floats[row * stride..<end - 3])
    }
  }
}
