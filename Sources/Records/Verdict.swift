/// What is done with an exchange.
package enum Action: String, Hashable, Sendable, CaseIterable {
  /// Not flagged: the exchange goes on.
  case allow
  /// Flagged, but only marked: the exchange goes on.
  case flag
  /// Flagged and diverted to the quarantine topic.
  case quarantine
  /// Flagged under a policy that only watches: `quarantine` is what would have been done.
  case wouldQuarantine = "would_quarantine"
}

/// The published verdict on one exchange.
package struct Verdict: Hashable, Sendable {
  package var id: String
  package var flagged: Bool
  package var action: Action
  package var judgement: Judgement
  package var threshold: Float
  /// The model that judged, `name@first eight hex digits of its hash`.
  package var model: String
  /// The policy that decided.
  package var policy: String
  /// The record that was judged; nil outside a stream.
  package var source: SourcePosition?
  /// Milliseconds since 1970-01-01 UTC.
  package var judgedAtMilliseconds: Int64
  package var metadata: [MetadataEntry]

  package init(
    id: String, flagged: Bool, action: Action, judgement: Judgement, threshold: Float,
    model: String, policy: String, source: SourcePosition?, judgedAtMilliseconds: Int64,
    metadata: [MetadataEntry] = []
  ) {
    self.id = id
    self.flagged = flagged
    self.action = action
    self.judgement = judgement
    self.threshold = threshold
    self.model = model
    self.policy = policy
    self.source = source
    self.judgedAtMilliseconds = judgedAtMilliseconds
    self.metadata = metadata
  }
}
