package import Metrics

/// How rows are measured.
package struct MeasurementOptions: Sendable {
  /// Scores from this up count as flagged.
  package var threshold: Double
  package var bootstrap: Bootstrap

  package init(
    threshold: Double = 0.5, bootstrap: Bootstrap = Bootstrap(replicates: 1000, seed: 42)
  ) {
    self.threshold = threshold
    self.bootstrap = bootstrap
  }
}

/// The metrics of some rows with their intervals; what is undefined is absent.
package struct Measurement: Sendable {
  package let rows: Int
  /// Rows of the unsafe class.
  package let positives: Int
  package let values: [Metric: Double]
  package let intervals: [Metric: ConfidenceInterval]

  /// The unweighted mean over sets of each metric that all of them define.
  init(meanOf sets: [SetReport]) {
    rows = sets.reduce(0) { $0 + $1.measurement.rows }
    positives = sets.reduce(0) { $0 + $1.measurement.positives }
    var values: [Metric: Double] = [:]
    for metric in Metric.allCases {
      let defined = sets.compactMap { $0.measurement.values[metric] }
      guard defined.count == sets.count, !defined.isEmpty else { continue }
      values[metric] = defined.reduce(0, +) / Double(defined.count)
    }
    self.values = values
    intervals = ReplicateValues(meanOf: sets.map(\.replicates)).intervals
  }

  init(_ ranked: RankedScores, rows: [ScoredRow], replicates: ReplicateValues, threshold: Double) {
    self.rows = rows.count
    positives = rows.count { $0.isUnsafe }
    values = ranked.tally.values(threshold: threshold)
    intervals = replicates.intervals
  }
}
