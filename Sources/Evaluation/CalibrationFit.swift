internal import Guard
internal import Metrics
package import ModelRegistry

/// A temperature and a threshold fitted on held-out rows.
package struct CalibrationFit: Sendable {
  package let calibration: Calibration
  /// The expected calibration error on those rows without a temperature and with the fitted one.
  package let errorBefore: Double?
  package let errorAfter: Double?

  /// Fits both.
  ///
  /// - Parameters:
  ///   - set: rows that neither training nor the evaluation uses.
  ///   - falsePositiveRate: the share of its safe rows that may be flagged.
  ///   - digest: SHA-256 of the files that the rows come from.
  package init(
    _ set: ScoredSet, falsePositiveRate: Double, digest: String
  ) throws(EvaluationFailure) {
    let fitted: Double?
    let before: ScoreTally
    let after: ScoreTally
    do throws(MetricsError) {
      fitted = try TemperatureScaling.fit(
        margins: set.rows.map(\.margin), isUnsafe: set.rows.map(\.isUnsafe))
      before = try Self.tally(set, temperature: 1)
      after = try Self.tally(set, temperature: fitted ?? 1)
    } catch {
      throw .unsuitable("\(set.name): \(error)")
    }
    guard let temperature = fitted else {
      throw .unsuitable("\(set.name): a fit needs rows of both classes")
    }
    guard let threshold = after.threshold(falsePositiveRateMax: falsePositiveRate) else {
      throw .unsuitable(
        "\(set.name): no threshold has a false-positive rate of \(falsePositiveRate) or less")
    }
    calibration = Calibration(
      temperature: temperature, threshold: threshold, falsePositiveRate: falsePositiveRate,
      fittedOn: Calibration.FittedOn(rows: set.rows.count, digest: digest))
    errorBefore = before.expectedCalibrationError
    errorAfter = after.expectedCalibrationError
  }

  private static func tally(
    _ set: ScoredSet, temperature: Double
  ) throws(MetricsError) -> ScoreTally {
    let scores = set.rows.map {
      Double(Calibration.score(margin: $0.margin, temperature: temperature).rawValue)
    }
    return try RankedScores(scores: scores, isUnsafe: set.rows.map(\.isUnsafe)).tally
  }
}
