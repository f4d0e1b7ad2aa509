package import Records

/// What a policy makes of a judgement.
package struct PolicyDecision: Hashable, Sendable {
  package let action: Action
  /// The threshold that decided: the policy's, or that of the category.
  package let threshold: Float
  /// The category whose rule decided; nil where the score did.
  package let category: String?
  /// Unsafe labels that reached their thresholds, in the model's order.
  package let flaggedCategories: [String]
  /// What made the decision, as verdicts say it; nil where nothing but the score could have.
  package let decidedBy: String?
}

extension Policy {
  /// What is done with an exchange that was judged so.
  ///
  /// Categories with a rule count by it, and no longer in the score; the strictest action of all
  /// that is reached is taken. The score is then that of the categories without a rule: their sum
  /// where one label of all is right, else the largest.
  package func decide(_ judgement: Judgement) -> PolicyDecision {
    guard let scores = judgement.categories else {
      let reason = Reason(action: action(for: judgement.score), threshold: threshold)
      return PolicyDecision(reason, flaggedCategories: [], decidedBy: nil)
    }
    var reasons: [Reason] = []
    var flagged: [String] = []
    var rest: Float = 0
    var isRuled = false
    for label in scores.scheme.unsafe {
      let (name, probability) = (scores.scheme.names[label], scores.probabilities[label])
      let rule = categories[name] ?? CategoryRule(threshold: threshold, action: action)
      let isFlagged = Score(probability).reaches(rule.threshold) && rule.action != nil
      if isFlagged { flagged.append(name) }
      if categories[name] == nil {
        rest = scores.scheme.areExclusive ? rest + probability : max(rest, probability)
        continue
      }
      isRuled = true
      guard isFlagged, let action = rule.action else { continue }
      reasons.append(
        Reason(
          action: self.action(action), threshold: rule.threshold, category: name,
          probability: probability))
    }
    // Windows may have their largest values in different categories, which do not add up.
    let score = isRuled ? min(Score(rest), judgement.score) : judgement.score
    let byScore = Reason(action: action(for: score), threshold: threshold)
    let best = reasons.reduce(byScore) { $1.outweighs($0) ? $1 : $0 }
    return PolicyDecision(
      best, flaggedCategories: flagged,
      decidedBy: best.category.map { "category:\($0)" } ?? (isRuled ? "score" : nil))
  }

  /// The action on an exchange with that score.
  private func action(for score: Score) -> Action {
    score.reaches(threshold) ? action(action) : .allow
  }

  /// What becomes of an action in the policy's mode.
  private func action(_ flagged: FlaggedAction) -> Action {
    switch (flagged, mode) {
    case (.flag, _): .flag
    case (.quarantine, .enforce): .quarantine
    case (.quarantine, .monitor): .wouldQuarantine
    }
  }
}

/// What one rule asks for: that of the score, or that of a category.
private struct Reason {
  let action: Action
  let threshold: Float
  var category: String?
  var probability: Float = .infinity

  /// Whether it is stricter, or as strict and surer.
  func outweighs(_ other: Reason) -> Bool {
    (action.strictness, probability) > (other.action.strictness, other.probability)
  }
}

extension PolicyDecision {
  fileprivate init(_ reason: Reason, flaggedCategories: [String], decidedBy: String?) {
    self.init(
      action: reason.action, threshold: reason.threshold, category: reason.category,
      flaggedCategories: flaggedCategories, decidedBy: decidedBy)
  }
}

extension Action {
  fileprivate var strictness: Int {
    switch self {
    case .allow: 0
    case .flag: 1
    case .wouldQuarantine: 2
    case .quarantine: 3
    }
  }
}
