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

/// The probability of one of the model's labels.
package struct Category: Hashable, Sendable {
  package var name: String
  /// From 0 to 1.
  package var probability: Float
  /// Whether it speaks against the exchange, and not for it; verdicts do not say it.
  package var isUnsafe: Bool

  package init(name: String, probability: Float, isUnsafe: Bool = true) {
    self.name = name
    self.probability = probability
    self.isUnsafe = isUnsafe
  }
}

/// The published verdict on one exchange.
///
/// What is optional beyond `source` is absent where nothing fills it.
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
  /// How many texts the record had, and how many were judged; nil in verdicts of older versions.
  package var coverage: Coverage?
  /// The model's categories, the most probable first; empty for a model without any.
  package var categories: [Category]
  /// The numbers that the model computed with, such as `fp32` or `int8`.
  package var precision: String?
  /// What made the decision, such as `score`, `category:violence` or `exception:ID`.
  package var decidedBy: String?
  /// SHA-256 over the rules that decided, 64 hexadecimal digits.
  package var policyDigest: String?
  /// The verdict that this one takes the place of, by its place in the verdicts' topic.
  package var supersedes: SourcePosition?

  package init(
    id: String, flagged: Bool, action: Action, judgement: Judgement, threshold: Float,
    model: String, policy: String, source: SourcePosition?, judgedAtMilliseconds: Int64,
    metadata: [MetadataEntry] = [], coverage: Coverage? = nil, categories: [Category] = [],
    precision: String? = nil, decidedBy: String? = nil, policyDigest: String? = nil,
    supersedes: SourcePosition? = nil
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
    self.coverage = coverage
    self.categories = categories
    self.precision = precision
    self.decidedBy = decidedBy
    self.policyDigest = policyDigest
    self.supersedes = supersedes
  }
}
