/// The metrics of all bootstrap replicates of a set.
package struct ReplicateValues: Sendable {
  package let replicates: Int
  /// For each metric its value in each replicate, not a number where a replicate leaves it
  /// undefined.
  private var values: [Metric: [Double]] = [:]

  /// The share of replicates that may leave a metric undefined before it has no interval.
  static let undefinedShareMax = 0.05

  init(replicates: Int) { self.replicates = replicates }

  mutating func set(_ metrics: [Metric: Double], at replicate: Int) {
    for (metric, value) in metrics {
      values[metric, default: Array(repeating: .nan, count: replicates)][replicate] = value
    }
  }

  /// The unweighted mean over several sets, replicate by replicate: the bootstrap of an average.
  ///
  /// - Precondition: all have as many replicates.
  package init(meanOf sets: [ReplicateValues]) {
    replicates = sets.first?.replicates ?? 0
    for metric in Metric.allCases {
      let columns = sets.compactMap { $0.values[metric] }
      guard columns.count == sets.count, !columns.isEmpty else { continue }
      values[metric] = (0..<replicates).map { replicate in
        columns.reduce(0) { $0 + $1[replicate] } / Double(columns.count)
      }
    }
  }

  /// `self - other`, replicate by replicate.
  ///
  /// - Precondition: both have as many replicates, of the same rows.
  package func minus(_ other: ReplicateValues) -> ReplicateValues {
    precondition(replicates == other.replicates)
    var result = ReplicateValues(replicates: replicates)
    for (metric, column) in values {
      guard let others = other.values[metric] else { continue }
      result.values[metric] = zip(column, others).map { $0 - $1 }
    }
    return result
  }

  /// The middle 95 % of the replicates; nil when the metric is undefined in more than one of
  /// twenty, or without replicates.
  package func interval(of metric: Metric) -> ConfidenceInterval? {
    let sorted = defined(metric).sorted()
    guard !sorted.isEmpty,
      Double(replicates - sorted.count) <= Self.undefinedShareMax * Double(replicates)
    else { return nil }
    return ConfidenceInterval(
      low: Self.quantile(0.025, of: sorted), high: Self.quantile(0.975, of: sorted))
  }

  /// All intervals that exist.
  package var intervals: [Metric: ConfidenceInterval] {
    var result: [Metric: ConfidenceInterval] = [:]
    for metric in Metric.allCases { result[metric] = interval(of: metric) }
    return result
  }

  /// The values of a metric in the replicates that define it.
  package func defined(_ metric: Metric) -> [Double] {
    (values[metric] ?? []).filter { !$0.isNaN }
  }

  /// Linear between the two nearest ranks, as NumPy's default.
  private static func quantile(_ share: Double, of sorted: [Double]) -> Double {
    let position = share * Double(sorted.count - 1)
    let lower = Int(position)
    let upper = min(lower + 1, sorted.count - 1)
    return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
  }
}

/// Where a figure is with 95 % confidence.
package struct ConfidenceInterval: Hashable, Sendable {
  package let low: Double
  package let high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }
}
