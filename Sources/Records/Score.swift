/// The probability that a text is unsafe, from 0 to 1.
package struct Score: RawRepresentable, Hashable, Comparable, Sendable {
  package let rawValue: Float

  package init(rawValue: Float) { self.rawValue = rawValue }
  package init(_ probability: Float) { self.rawValue = probability }

  /// Whether the score counts as unsafe at a threshold: at it, and above.
  package func reaches(_ threshold: Float) -> Bool { rawValue >= threshold }

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// What the guard model says of one exchange, before any policy.
package struct Judgement: Hashable, Sendable {
  /// The score of the prompt alone; nil when that view is switched off.
  package let promptScore: Score?
  /// The score of the response given the prompt; nil without a response or when switched off.
  package let responseScore: Score?
  /// Token ids judged over all views and windows, control tokens included.
  package let tokens: Int
  /// Sequences of the view that needed most of them: 1 unless a text was longer than the window.
  package let windows: Int
  /// What the model says of each of its labels; nil for a model that only tells safe from unsafe.
  package let categories: CategoryScores?

  package init(
    promptScore: Score?, responseScore: Score?, tokens: Int, windows: Int,
    categories: CategoryScores? = nil
  ) {
    self.promptScore = promptScore
    self.responseScore = responseScore
    self.tokens = tokens
    self.windows = windows
    self.categories = categories
  }

  /// The larger of the scores present.
  package var score: Score { max(promptScore ?? Score(0), responseScore ?? Score(0)) }
}
