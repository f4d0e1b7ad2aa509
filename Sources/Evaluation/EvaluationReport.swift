package import Metrics
package import ModelRegistry

/// Everything that an evaluation found, ready to be written in any form.
package struct EvaluationReport: Sendable {
  /// The model's name and hash.
  package let model: String
  package let calibration: Calibration?
  /// The fit of this very run, if one was asked for.
  package let fit: CalibrationFit?
  /// Rows of the fit that also stand in a set, which makes the set's calibration look too good.
  package let rowsSharedWithFit: Int
  package let options: MeasurementOptions
  /// Responses were not judged, since the model is for prompts only.
  package let judgesPromptsOnly: Bool
  /// Long texts were cut to one window.
  package let isTruncated: Bool
  package let sets: [SetReport]
  /// The unweighted means over the sets.
  package let average: Measurement
  package let comparison: ModelComparison?
  /// What changes of texts bring about; nil where nobody asked.
  package let evasion: EvasionReport?
  /// What judging costs; nil where nobody asked.
  package let cost: CostReport?
  /// ISO 8601, in UTC.
  package let evaluatedAt: String

  package init(
    model: String, calibration: Calibration?, fit: CalibrationFit? = nil,
    rowsSharedWithFit: Int = 0, options: MeasurementOptions, isTruncated: Bool,
    judgesPromptsOnly: Bool = false,
    sets: [SetReport], comparison: ModelComparison? = nil,
    evasion: EvasionReport? = nil, cost: CostReport? = nil, evaluatedAt: String
  ) {
    self.model = model
    self.calibration = calibration
    self.fit = fit
    self.rowsSharedWithFit = rowsSharedWithFit
    self.options = options
    self.isTruncated = isTruncated
    self.judgesPromptsOnly = judgesPromptsOnly
    self.sets = sets
    average = Measurement(meanOf: sets)
    self.comparison = comparison
    self.evasion = evasion
    self.cost = cost
    self.evaluatedAt = evaluatedAt
  }

  /// What the model's own threshold does on a set; nil when it has none.
  package func calibratedConfusion(_ set: SetReport) -> Confusion? {
    calibration?.threshold.map { set.tally.confusion(threshold: $0) }
  }
}
