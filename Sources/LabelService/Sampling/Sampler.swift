internal import Basics
package import Records
package import Settings

/// Why an exchange was chosen to be labelled.
package enum Stratum: String, Hashable, Sendable, CaseIterable {
  /// By a draw among all exchanges: what keeps estimates honest.
  case random
  /// The score was near the threshold.
  case uncertain
  /// A challenger in shadow would have decided otherwise.
  case disagreement
}

/// What the guard said of an exchange, as far as sampling depends on it.
package struct JudgedFeatures: Hashable, Sendable {
  package let score: Score
  package let threshold: Float

  package init(score: Score, threshold: Float) {
    self.score = score
    self.threshold = threshold
  }
}

/// An exchange that is to be labelled, and how likely that was.
package struct Selection: Hashable, Sendable {
  /// The first stratum that chose it.
  package let stratum: Stratum
  /// The probability that any stratum chose it: 1 - Π (1 - rate) over those it belongs to. A
  /// disagreement is only known of labels that it chose: others leave it out.
  package let inclusionProbability: Double
}

/// Chooses exchanges to be labelled: Poisson sampling with a rate for each stratum.
///
/// Each stratum draws for itself, by a hash of seed, stratum and the exchange's position: a restart
/// chooses the same exchanges again, and no sender can tell which.
package struct Sampler: Hashable, Sendable {
  package let plan: SamplingPlan

  package init(plan: SamplingPlan) { self.plan = plan }

  /// Whether an exchange at that position can be chosen at all, whatever the guard says of it.
  package func mayChoose(_ position: SourcePosition) -> Bool {
    [.random, .uncertain].contains { isDrawn(position, $0) }
  }

  /// The selection of an exchange by its verdict; nil when it is not chosen.
  package func select(_ position: SourcePosition, _ features: JudgedFeatures) -> Selection? {
    let strata = self.strata(of: features)
    guard let stratum = strata.first(where: { isDrawn(position, $0) }) else { return nil }
    return Selection(stratum: stratum, inclusionProbability: inclusionProbability(strata))
  }

  /// The selection of an exchange because two models disagree on it; nil when it is not chosen, or
  /// was chosen by its verdict already.
  package func select(_ disagreement: Disagreement) -> Selection? {
    let features = JudgedFeatures(
      score: disagreement.score, threshold: disagreement.threshold)
    let position = disagreement.source
    guard select(position, features) == nil, isDrawn(position, .disagreement) else { return nil }
    let others = inclusionProbability(strata(of: features))
    let own = disagreement.share * plan.disagreementRate
    return Selection(
      stratum: .disagreement, inclusionProbability: 1 - (1 - others) * (1 - own))
  }

  /// The strata that an exchange belongs to by its verdict.
  package func strata(of features: JudgedFeatures) -> [Stratum] {
    let distance = abs(features.score.rawValue - features.threshold)
    return distance <= plan.uncertaintyMargin ? [.random, .uncertain] : [.random]
  }

  /// The probability that at least one of these strata chooses an exchange.
  package func inclusionProbability(_ strata: [Stratum]) -> Double {
    1 - strata.reduce(1) { $0 * (1 - rate(of: $1)) }
  }

  private func rate(of stratum: Stratum) -> Double {
    switch stratum {
    case .random: plan.randomRate
    case .uncertain: plan.uncertaintyRate
    case .disagreement: plan.disagreementRate
    }
  }

  /// Whether the stratum's draw hits: by a number from 0 to 1 that is as good as random and always
  /// the same.
  private func isDrawn(_ position: SourcePosition, _ stratum: Stratum) -> Bool {
    let digest = ContentDigest(of: "\(plan.seed) \(stratum.rawValue) \(position)".utf8)
    return digest.fraction < rate(of: stratum)
  }
}
