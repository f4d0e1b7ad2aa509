/// What happened, in numbers.
package struct AugmentationCounts: Hashable, Sendable, Codable {
  /// Instructions that the generator was asked for.
  package var attempts = 0
  package var accepted = 0
  /// Why the others were dropped, by reason.
  package var dropped: [String: Int] = [:]
  /// Rows written, by kind.
  package var rows: [String: Int] = [:]
  /// Rows labelled unsafe, by kind.
  package var unsafeRows: [String: Int] = [:]
  /// Rows that were not written, by kind and reason.
  package var rowsDropped: [String: Int] = [:]
  /// Of the requests with the configured prefix, or without where that is configured.
  package var refusals = RefusalRate()
  /// Of the trials the other way, without or with the paper's prefix.
  package var trialRefusals = RefusalRate()

  private enum CodingKeys: String, CodingKey {
    case attempts, accepted, dropped, rows, refusals
    case unsafeRows = "unsafe_rows"
    case rowsDropped = "rows_dropped"
    case trialRefusals = "trial_refusals"
  }

  package init() {}

  /// All rows written.
  package var rowsTotal: Int { rows.values.reduce(0, +) }
}

/// How far a run is.
package struct AugmentationProgress: Hashable, Sendable {
  /// Instructions accepted, and wanted.
  package let accepted: Int
  package let wanted: Int
  package let counts: AugmentationCounts
  /// Requests, of this and earlier runs.
  package let requests: Int
  /// Whether answers still come from the journal.
  package let isReplaying: Bool
}
