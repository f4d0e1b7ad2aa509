import Glibc
import Tensors

/// Plain twins of the C kernels and operations, in double precision: the oracle of the tests.
enum Reference {
  /// x/2 · (1 + erf(x/√2)).
  static func gelu(_ x: Double) -> Double { x / 2 * (1 + erf(x / 2.0.squareRoot())) }

  static func value(_ activation: Activation, _ x: Double) -> Double {
    activation == .gelu ? gelu(x) : tanh(x)
  }

  /// Softmax of scale · row.
  static func softmax(_ row: [Double], scale: Double) -> [Double] {
    let top = row.max() ?? 0
    let powers = row.map { exp(($0 - top) * scale) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  /// (row - mean) / sqrt(variance + epsilon) · scale + shift.
  static func normalize(
    _ row: [Double], scale: [Double], shift: [Double], epsilon: Double
  ) -> [Double] {
    let (standard, _) = standardized(row, epsilon: epsilon)
    return row.indices.map { standard[$0] * scale[$0] + shift[$0] }
  }

  /// input (rows, inputs) times weight (outputs, inputs) transposed, plus bias (outputs).
  static func linear(_ input: [[Double]], weight: [[Double]], bias: [Double]) -> [[Double]] {
    input.map { row in zip(weight, bias).map { dot(row, $0) + $1 } }
  }

  /// left (rows, k) times right (k, columns).
  static func product(_ left: [[Double]], _ right: [[Double]]) -> [[Double]] {
    let columns = transposed(right)
    return left.map { row in columns.map { dot(row, $0) } }
  }

  /// (rows, columns) to (columns, rows).
  static func transposed(_ matrix: [[Double]]) -> [[Double]] {
    (matrix.first ?? []).indices.map { column in matrix.map { $0[column] } }
  }

  /// (row - mean) / deviation, and the deviation.
  static func standardized(_ row: [Double], epsilon: Double) -> ([Double], deviation: Double) {
    let mean = row.reduce(0, +) / Double(row.count)
    let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
    let deviation = (variance + epsilon).squareRoot()
    return (row.map { ($0 - mean) / deviation }, deviation)
  }

  static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
