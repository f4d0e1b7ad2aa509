package import Datasets
package import Metrics

/// How often a model that flags a text no longer does after it was changed in ways that keep its
/// meaning.
package struct EvasionReport: Sendable {
  /// One set of rows.
  package struct Findings: Sendable {
    package let set: String
    /// Unsafe rows that the model flags, and that were changed.
    package let attacked: Int
    /// Of these, how many it lets pass after each change.
    package let flipped: [Evasion: Int]
    /// How many it lets pass after at least one of the changes.
    package let flippedByAny: Int

    package init(set: String, attacked: Int, flipped: [Evasion: Int], flippedByAny: Int) {
      self.set = set
      self.attacked = attacked
      self.flipped = flipped
      self.flippedByAny = flippedByAny
    }
  }

  package let sets: [Findings]
  /// The seed of all changes.
  package let seed: UInt64

  package init(sets: [Findings], seed: UInt64) {
    self.sets = sets
    self.seed = seed
  }

  /// All sets together.
  package var total: Findings {
    Findings(
      set: "all sets", attacked: sets.reduce(0) { $0 + $1.attacked },
      flipped: sets.reduce(into: [:]) { $0.merge($1.flipped, uniquingKeysWith: +) },
      flippedByAny: sets.reduce(0) { $0 + $1.flippedByAny })
  }
}

extension EvasionReport.Findings {
  /// The mean over all evasions of the shares that they let pass; nil without attacked rows.
  package var meanRate: Double? {
    guard attacked > 0 else { return nil }
    let flips = flipped.values.reduce(0, +)
    return Double(flips) / Double(attacked * Evasion.allCases.count)
  }

  /// The share of attacked rows that an evasion lets pass, nil for that of any; with Wilson's
  /// interval. Nil without attacked rows.
  package func rate(_ evasion: Evasion?) -> (value: Double, interval: ConfidenceInterval)? {
    guard attacked > 0 else { return nil }
    let count = evasion.map { flipped[$0] ?? 0 } ?? flippedByAny
    let share = Double(count) / Double(attacked)
    return (share, ConfidenceInterval(wilson: share, count: Double(attacked)))
  }
}
