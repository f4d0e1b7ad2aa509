/// Scores that cannot be measured; rows are counted from 0.
package enum MetricsError: Error, Hashable, Sendable {
  /// Scores, classes and weights are not equally many.
  case countsDiffer
  /// A score is not a number from 0 to 1.
  case notAProbability(row: Int)
  /// A margin is not a finite number.
  case notFinite(row: Int)
  /// A weight is negative or not finite.
  case invalidWeight(row: Int)
}

extension MetricsError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .countsDiffer: "scores, classes and weights are not equally many"
    case .notAProbability(let row): "the score of row \(row + 1) is not a probability"
    case .notFinite(let row): "the margin of row \(row + 1) is not a finite number"
    case .invalidWeight(let row): "the weight of row \(row + 1) is not a number from 0 up"
    }
  }
}
