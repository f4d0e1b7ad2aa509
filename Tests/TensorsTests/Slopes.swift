import Tensors

/// The slopes of `function` at `rows`, one for each value: central differences.
func centralDifferences(at rows: [[Double]], of function: ([[Double]]) -> Double) -> [[Double]] {
  let step = 1e-5
  var moved = rows
  return rows.indices.map { r in
    rows[r].indices.map { c in
      moved[r][c] = rows[r][c] + step
      let above = function(moved)
      moved[r][c] = rows[r][c] - step
      let below = function(moved)
      moved[r][c] = rows[r][c]
      return (above - below) / (2 * step)
    }
  }
}

/// The sum of a · b, value by value: a loss whose gradient at `a` is `b`.
func total(_ a: [[Double]], _ b: [[Double]]) -> Double {
  zip(a.joined(), b.joined()).reduce(0) { $0 + $1.0 * $1.1 }
}

extension ArenaTensor {
  /// A tensor of these rows, in an arena of its own.
  init(_ rows: [[Float]]) {
    self.init(floats: rows.flatMap { $0 }, shape: [rows.count, rows.first?.count ?? 0])
  }

  /// A vector.
  init(vector: [Float]) { self.init(floats: vector, shape: [vector.count]) }

  private init(floats: [Float], shape: [Int]) {
    let arena = FloatArena(count: max(1, floats.count))
    arena.withMutableValues(0..<floats.count) { values in
      for (index, value) in floats.enumerated() { values[index] = value }
    }
    self.init(arena: arena, offset: 0, shape: shape)
  }

  /// The floats as rows; a vector is one row.
  var arrays: [[Float]] { Matrix(copying: self).arrays }
}
