import Basics
import Tensors

/// Seeded pseudo-random floats for tests.
struct Numbers {
  private var random: SplitMix64

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  /// The next float, between -size and size.
  mutating func next(size: Float = 1) -> Float {
    (Float(random.next() >> 40) / Float(1 << 23) - 1) * size
  }

  /// Some floats.
  mutating func vector(_ count: Int, size: Float = 1) -> [Float] {
    (0..<count).map { _ in next(size: size) }
  }

  /// Rows of floats.
  mutating func rows(_ rows: Int, _ columns: Int, size: Float = 1) -> [[Float]] {
    (0..<rows).map { _ in vector(columns, size: size) }
  }
}

extension Matrix {
  /// A matrix of these rows.
  init(_ rows: [[Float]]) {
    self.init(rows: rows.count, columns: rows.first?.count ?? 0)
    let columns = columns
    var values = mutableValues
    for (r, row) in rows.enumerated() {
      for (c, value) in row.enumerated() { values[r * columns + c] = value }
    }
  }

  /// The floats as arrays.
  var arrays: [[Float]] {
    let columns = columns
    let values = values
    return (0..<rows).map { row in (0..<columns).map { values[row * columns + $0] } }
  }
}

extension Parameter {
  /// A weight of these rows.
  init(rows: [[Float]]) { self.init(Matrix(rows)) }

  /// A weight vector.
  init(vector: [Float]) { self.init(Matrix([vector]), vector: true) }
}

/// The largest difference between two equally shaped lists of rows.
func distance(_ a: [[Float]], _ b: [[Float]]) -> Float {
  precondition(a.map(\.count) == b.map(\.count))
  return zip(a, b).reduce(0) { largest, rows in
    zip(rows.0, rows.1).reduce(largest) { max($0, abs($1.0 - $1.1)) }
  }
}
