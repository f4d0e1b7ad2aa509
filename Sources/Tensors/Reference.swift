import Glibc

/// Plain twins of the C kernels and operations, in double precision: the oracle of the tests.
package enum Reference {
  /// x/2 · (1 + erf(x/√2)).
  package static func gelu(_ x: Float) -> Float {
    Float(Double(x) / 2 * (1 + erf(Double(x) / 2.0.squareRoot())))
  }

  /// Softmax of scale · row.
  package static func softmax(_ row: [Float], scale: Float) -> [Float] {
    let top = row.max() ?? 0
    let powers = row.map { exp((Double($0) - Double(top)) * Double(scale)) }
    let sum = powers.reduce(0, +)
    return powers.map { Float($0 / sum) }
  }

  /// (row - mean) / sqrt(variance + epsilon) · scale + shift.
  package static func normalize(
    _ row: [Float], scale: [Float], shift: [Float], epsilon: Float
  ) -> [Float] {
    let mean = row.reduce(0.0) { $0 + Double($1) } / Double(row.count)
    let variance =
      row.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(row.count)
    let inverse = 1 / (variance + Double(epsilon)).squareRoot()
    return row.indices.map {
      Float((Double(row[$0]) - mean) * inverse * Double(scale[$0]) + Double(shift[$0]))
    }
  }

  /// input (rows, inputs) times weight (outputs, inputs) transposed, plus bias (outputs).
  package static func linear(_ input: [[Float]], weight: [[Float]], bias: [Float]) -> [[Float]] {
    input.map { row in
      zip(weight, bias).map { weights, bias in
        Float(zip(row, weights).reduce(Double(bias)) { $0 + Double($1.0) * Double($1.1) })
      }
    }
  }

  /// Disentangled attention of one head of one sequence, term by term from the paper's equation 4.
  ///
  /// `queries`, `keys` and `values` are (tokens, head size); `keyTable` and `queryTable` are
  /// (slots, head size), or nil where the model lacks the term; `slot` maps i - j to their row.
  package static func attention(
    queries: [[Float]], keys: [[Float]], values: [[Float]], keyTable: [[Float]]?,
    queryTable: [[Float]]?, slot: (Int) -> Int, scale: Float
  ) -> [[Float]] {
    queries.indices.map { i in
      let scores = keys.indices.map { j in
        var score = dot(queries[i], keys[j])
        if let keyTable { score += dot(queries[i], keyTable[slot(i - j)]) }
        if let queryTable { score += dot(keys[j], queryTable[slot(i - j)]) }
        return Float(score)
      }
      let weights = softmax(scores, scale: scale)
      return values[0].indices.map { c in
        Float(zip(weights, values).reduce(0.0) { $0 + Double($1.0) * Double($1.1[c]) })
      }
    }
  }

  private static func dot(_ a: [Float], _ b: [Float]) -> Double {
    zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}
