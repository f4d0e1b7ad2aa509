package import Records

/// A dataset after a model has judged it: everything that metrics need, and none of its texts.
package struct ScoredSet: Sendable {
  /// The name in reports, such as the file's without its extension.
  package let name: String
  /// One for each example, in the order of the dataset.
  package let rows: [ScoredRow]

  package init(name: String, rows: [ScoredRow]) {
    self.name = name
    self.rows = rows
  }
}

/// What a model says of one example.
package struct ScoredRow: Hashable, Sendable {
  /// The logit of unsafe minus that of safe, of the window where it is largest; no temperature.
  package let margin: Double
  /// P(unsafe) as the daemon would publish it: with the model's temperature, in `Float`'s
  /// precision.
  package let score: Double
  package let isUnsafe: Bool
  /// Where the example comes from.
  package let source: String
  /// Token ids judged over all windows, control tokens included.
  package let tokens: Int
  /// 1 unless the texts were longer than the model's window.
  package let windows: Int
  /// What the model says of its categories; nil for a model without.
  package let categories: CategoryScores?
  /// The categories that the example belongs to; nil where nobody says.
  package let trueCategories: [String]?

  package init(
    margin: Double, score: Double, isUnsafe: Bool, source: String = "", tokens: Int = 0,
    windows: Int = 1, categories: CategoryScores? = nil, trueCategories: [String]? = nil
  ) {
    self.margin = margin
    self.score = score
    self.isUnsafe = isUnsafe
    self.source = source
    self.tokens = tokens
    self.windows = windows
    self.categories = categories
    self.trueCategories = trueCategories
  }
}
