internal import Records

/// How a challenger's scores compare with those of the model that judges.
package struct ShadowFigures: Hashable, Sendable {
  /// The challenger's name and hash; nil while none is loaded.
  package internal(set) var challenger: String?
  package internal(set) var bothFlagged = 0
  package internal(set) var onlyChampionFlagged = 0
  package internal(set) var onlyChallengerFlagged = 0
  package internal(set) var neitherFlagged = 0
  /// Absolute differences of the scores.
  package internal(set) var differences = ScoreHistogram()
  /// Records of the share that found no room, or no challenger.
  package internal(set) var dropped = 0
  /// Disagreements of which no copy could be published.
  package internal(set) var unpublished = 0
  /// Records that the challenger could not judge.
  package internal(set) var failed = 0

  /// Records scored by both.
  package var scored: Int {
    bothFlagged + onlyChampionFlagged + onlyChallengerFlagged + neitherFlagged
  }

  init(dropped: Int = 0) { self.dropped = dropped }

  /// Records that only one of the two flags.
  package var disagreements: Int { onlyChampionFlagged + onlyChallengerFlagged }

  /// Counts a record that both have scored, under the same policy.
  mutating func count(
    champion: Score, isFlagged championFlags: Bool, challenger: Score,
    isFlagged challengerFlags: Bool
  ) {
    switch (championFlags, challengerFlags) {
    case (true, true): bothFlagged += 1
    case (true, false): onlyChampionFlagged += 1
    case (false, true): onlyChallengerFlagged += 1
    case (false, false): neitherFlagged += 1
    }
    differences.record(Score(abs(champion.rawValue - challenger.rawValue)))
  }
}
