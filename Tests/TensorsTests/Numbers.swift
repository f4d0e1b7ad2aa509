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

  /// Floats of very different sizes, zeros of both signs among them; the largest is `largest`.
  mutating func mixed(_ count: Int, largest: Float = 1e15) -> [Float] {
    let sizes: [Float] = [1, 0, largest, -0.0, 1e-3, 1e-15, 0x1p-133, 30]
    let first = Int(random.next() % UInt64(sizes.count))
    return (0..<count).map { index in
      let size = sizes[(first + index) % sizes.count]
      return size.isZero ? size : next(size: size)
    }
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

extension [[Float]] {
  /// The same in double precision.
  var doubles: [[Double]] { map { $0.map(Double.init) } }
}

extension [Float] {
  /// The same in double precision.
  var doubles: [Double] { map(Double.init) }

  /// The bits, which tell zeros apart and not-a-numbers alike.
  var bits: [UInt32] { map(\.bitPattern) }
}

/// The sum of equally shaped rows.
func sum(_ a: [[Double]], _ b: [[Double]]) -> [[Double]] {
  zip(a, b).map { zip($0, $1).map(+) }
}

/// The largest difference between what was found and equally shaped rows; infinite where either is
/// not a number.
func distance(_ found: [[Float]], _ expected: [[Double]]) -> Double {
  precondition(found.map(\.count) == expected.map(\.count))
  return zip(found.joined(), expected.joined()).reduce(0) { largest, pair in
    let difference = abs(Double(pair.0) - pair.1)
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}

/// Whether each float is its exact value to some units of the last place of the magnitudes, which
/// say how large the numbers are that it was computed from; infinities must be equal.
func agree(
  _ found: [Float], _ expected: [Double], magnitudes: [Double], units: Double = 4
) -> Bool {
  precondition(found.count == expected.count && found.count == magnitudes.count)
  return found.indices.allSatisfy { index in
    let (value, exact) = (Double(found[index]), expected[index])
    // Below the least normal number a unit is 2^-149.
    let tolerance = units * (magnitudes[index] * 0x1p-23 + 0x1p-149)
    return value == exact || abs(value - exact) <= tolerance
  }
}
