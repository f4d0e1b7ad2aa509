/// How much a challenger differs from a baseline on the same rows.
package struct PairedDifference: Hashable, Sendable {
  /// Challenger minus baseline.
  package let difference: Double
  /// nil without replicates.
  package let interval: ConfidenceInterval?
  /// The probability of "the challenger is not better": the share of replicates in which it is not,
  /// with one more added to both counts, so that it is never 0 (Davison and Hinkley 1997); nil
  /// without replicates.
  package let pValue: Double?

  /// The differences of all metrics that both define.
  ///
  /// - Parameters:
  ///   - values: the metrics of challenger and baseline on all rows.
  ///   - replicates: their bootstraps, drawn with the same seed and stream.
  package static func all(
    challenger: (values: [Metric: Double], replicates: ReplicateValues),
    baseline: (values: [Metric: Double], replicates: ReplicateValues)
  ) -> [Metric: PairedDifference] {
    let replicates = challenger.replicates.minus(baseline.replicates)
    var result: [Metric: PairedDifference] = [:]
    for (metric, value) in challenger.values {
      guard let other = baseline.values[metric] else { continue }
      result[metric] = PairedDifference(
        difference: value - other, interval: replicates.interval(of: metric),
        pValue: pValue(metric, replicates.defined(metric)))
    }
    return result
  }

  private static func pValue(_ metric: Metric, _ differences: [Double]) -> Double? {
    guard !differences.isEmpty else { return nil }
    let sign: Double = metric.isBetterWhenHigher ? 1 : -1
    let notBetter = differences.count { sign * $0 <= 0 }
    return Double(notBetter + 1) / Double(differences.count + 1)
  }
}
