/// A judged exchange that a challenger would have decided otherwise.
package struct Disagreement: Hashable, Sendable {
  /// The exchange's own place in the input topic.
  package var source: SourcePosition
  /// What the model that judges said, and from which score on it flags.
  package var score: Score
  package var threshold: Float
  package var model: String
  /// What the challenger said.
  package var challengerScore: Score
  package var challenger: String
  /// The probability with which the challenger was shown the exchange, above 0.
  package var share: Double

  package init(
    source: SourcePosition, score: Score, threshold: Float, model: String,
    challengerScore: Score, challenger: String, share: Double
  ) {
    self.source = source
    self.score = score
    self.threshold = threshold
    self.model = model
    self.challengerScore = challengerScore
    self.challenger = challenger
    self.share = share
  }
}
