internal import Foundation
package import Records

/// What turns a model's logits into probabilities that can be trusted, fitted on held-out rows.
///
/// It stands in the model's `sluice.json` under the key `calibration`.
package struct Calibration: Codable, Hashable, Sendable {
  /// What both logits are divided by before the softmax; 1 leaves scores as they are.
  package var temperature: Double
  /// The lowest score that is flagged at the chosen false-positive rate, after the temperature.
  package var threshold: Double?
  /// The share of safe rows that may be flagged, for which the threshold was fitted.
  package var falsePositiveRate: Double?
  /// What it was fitted on.
  package var fittedOn: FittedOn?

  /// The rows of a fit.
  package struct FittedOn: Codable, Hashable, Sendable {
    package var rows: Int
    /// SHA-256 of the files' bytes, as hexadecimal digits.
    package var digest: String

    package init(rows: Int, digest: String) {
      self.rows = rows
      self.digest = digest
    }
  }

  package init(
    temperature: Double, threshold: Double? = nil, falsePositiveRate: Double? = nil,
    fittedOn: FittedOn? = nil
  ) {
    self.temperature = temperature
    self.threshold = threshold
    self.falsePositiveRate = falsePositiveRate
    self.fittedOn = fittedOn
  }

  /// Temperatures that make sense; anything else in a file is a mistake.
  package static let temperatureRange = 0.001...1000.0

  /// P(unsafe) of a margin, which is the logit of unsafe minus that of safe.
  package static func score(margin: Double, temperature: Double) -> Score {
    Score(Float(1 / (1 + exp(-margin / temperature))))
  }

  /// What is wrong with it; nil when nothing is.
  var mistake: String? {
    if !Self.temperatureRange.contains(temperature) { return "calibration.temperature" }
    if let threshold, !(0...1).contains(threshold) { return "calibration.threshold" }
    if let falsePositiveRate, !(0...1).contains(falsePositiveRate) {
      return "calibration.falsePositiveRate"
    }
    return nil
  }
}
