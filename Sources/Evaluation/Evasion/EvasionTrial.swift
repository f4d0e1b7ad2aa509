internal import Basics
package import Datasets
internal import Records

/// Tries whether a model that flags a text still does when the text is changed so that people read
/// the same.
package struct EvasionTrial: Sendable {
  /// Flagged unsafe rows that are changed, of each set; which ones follows from the seed.
  package var rowsMax = 200
  package var seed: UInt64 = 42

  package init() {}

  /// Changes rows of a set in every way, and scores them.
  ///
  /// - Parameters:
  ///   - scored: what the model says of the same examples as they are.
  ///   - threshold: from which on a row counts as flagged.
  package func run(
    _ examples: [LabelledExample], _ scored: ScoredSet, threshold: Double,
    with scorer: DatasetScorer, progress: (_ share: Double) -> Void
  ) throws(EvaluationFailure) -> EvasionReport.Findings {
    let rows = chosen(examples, scored, threshold)
    let evader = Evader(seed: seed)
    var flipped: [Evasion: Int] = [:]
    var passes = [Bool](repeating: false, count: rows.count)
    for (number, evasion) in Evasion.allCases.enumerated() {
      let changed = rows.map { evader.changed(examples[$0], by: evasion) }
      let results = try scorer.score(changed, name: scored.name)
      for (index, row) in results.rows.enumerated() where !row.isFlagged(from: threshold) {
        flipped[evasion, default: 0] += 1
        passes[index] = true
      }
      progress(Double(number + 1) / Double(Evasion.allCases.count))
    }
    return EvasionReport.Findings(
      set: scored.name, attacked: rows.count, flipped: flipped,
      flippedByAny: passes.count { $0 })
  }

  /// Indices of unsafe rows that are flagged, by a random order of their contents.
  private func chosen(
    _ examples: [LabelledExample], _ scored: ScoredSet, _ threshold: Double
  ) -> [Int] {
    let flagged = examples.places(inOrderOf: seed).filter {
      examples[$0].isUnsafe && scored.rows[$0].isFlagged(from: threshold)
    }
    return flagged.prefix(rowsMax).sorted()
  }
}

extension ScoredRow {
  /// Whether its score is at a threshold or above.
  fileprivate func isFlagged(from threshold: Double) -> Bool {
    Score(Float(score)).reaches(Float(threshold))
  }
}
