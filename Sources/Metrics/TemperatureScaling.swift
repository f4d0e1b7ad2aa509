internal import Glibc

/// One number that all logits are divided by, so that scores become probabilities (Guo et al.
/// 2017). It moves no score across 0.5 and changes no order.
package enum TemperatureScaling {
  /// What a fit can give; a set that is told apart without a mistake would ask for 0.
  package static let range = 0.05...20.0

  /// P(unsafe) of a margin, which is the logit of unsafe minus that of safe.
  package static func probability(margin: Double, temperature: Double) -> Double {
    1 / (1 + exp(-margin / temperature))
  }

  /// The temperature that makes the classes most likely; nil unless both have weight.
  ///
  /// The likelihood is concave in 1 / temperature, so its slope is halved in until nothing is left
  /// between two numbers.
  package static func fit(
    margins: [Double], isUnsafe: [Bool], weights: [Double]? = nil
  ) throws(MetricsError) -> Double? {
    guard margins.count == isUnsafe.count, (weights?.count ?? margins.count) == margins.count
    else { throw .countsDiffer }
    if let row = margins.firstIndex(where: { !$0.isFinite }) { throw .notFinite(row: row) }
    if let row = weights?.firstIndex(where: { !($0 >= 0 && $0 < .infinity) }) {
      throw .invalidWeight(row: row)
    }
    let rows = margins.indices.map {
      Row(margin: margins[$0], target: isUnsafe[$0] ? 1 : 0, weight: weights?[$0] ?? 1)
    }
    guard rows.contains(where: { $0.weight > 0 && $0.target == 1 }),
      rows.contains(where: { $0.weight > 0 && $0.target == 0 })
    else { return nil }
    var (low, high) = (1 / range.upperBound, 1 / range.lowerBound)
    if slope(low, rows) >= 0 { return range.upperBound }
    if slope(high, rows) <= 0 { return range.lowerBound }
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return 1 / middle }
      if slope(middle, rows) < 0 { low = middle } else { high = middle }
    }
  }

  private struct Row {
    let margin: Double
    let target: Double
    let weight: Double
  }

  /// Of the negative log-likelihood, by 1 / temperature; it grows with it.
  private static func slope(_ inverse: Double, _ rows: [Row]) -> Double {
    rows.reduce(0) { sum, row in
      let probability = 1 / (1 + exp(-row.margin * inverse))
      return sum + row.weight * (probability - row.target) * row.margin
    }
  }
}
