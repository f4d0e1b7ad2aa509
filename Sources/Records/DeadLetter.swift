/// Why a record got no verdict.
package enum DeadLetterReason: String, Hashable, Sendable, CaseIterable {
  /// The payload is not what its format demands.
  case malformed
  /// The payload has no text to judge.
  case missingPrompt = "missing_prompt"
  /// The text needs more windows than the settings allow; cutting it would leave some unjudged.
  case tooLong = "too_long"
  /// A tombstone, under the policy that dead-letters them.
  case tombstone
  /// The model failed on this record alone, every time it was tried.
  case poison
  /// The broker refuses the verdict or the forwarded record as too large.
  case tooLarge = "too_large"
}

/// A record that could not be judged, with what is needed to mend and replay it.
package struct DeadLetter: Hashable, Sendable {
  package var reason: DeadLetterReason
  /// What was wrong and where, such as a byte position. Never text of the user's.
  package var detail: String
  package var source: SourcePosition
  /// The model that failed; nil when the record never reached one.
  package var model: String?
  /// How often judging was tried.
  package var attempts: Int

  package init(
    reason: DeadLetterReason, detail: String, source: SourcePosition, model: String? = nil,
    attempts: Int = 0
  ) {
    self.reason = reason
    self.detail = detail
    self.source = source
    self.model = model
    self.attempts = attempts
  }
}
