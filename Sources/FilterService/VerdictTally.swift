package import Pipeline
package import Records

/// Verdicts by policy, action and tenant, in a bounded number of series, scores by policy, and what
/// policies would have done that are only tried.
package struct VerdictTally: Hashable, Sendable {
  /// One series.
  package struct Key: Hashable, Sendable, Comparable {
    package let policy: String
    package let action: Action
    /// Empty where nobody says whose exchanges they are; `TenantRanking.other` for all that have
    /// no series of their own.
    package let tenant: String

    package static func < (left: Key, right: Key) -> Bool {
      (left.policy, left.tenant, left.action.rawValue)
        < (right.policy, right.tenant, right.action.rawValue)
    }
  }

  /// What a policy did, and what one would have done that is tried beside it.
  package struct Trial: Hashable, Sendable, Comparable {
    package let policy: String
    package let trial: String
    package let action: Action
    package let would: Action

    package static func < (left: Trial, right: Trial) -> Bool {
      (left.policy, left.trial, left.action.rawValue, left.would.rawValue)
        < (right.policy, right.trial, right.action.rawValue, right.would.rawValue)
    }
  }

  package private(set) var counts: [Key: Int] = [:]
  package private(set) var trials: [Trial: Int] = [:]
  /// By policy.
  package private(set) var scores: [String: ScoreHistogram] = [:]
  private var tenants: TenantRanking

  /// - Parameter tenantsMax: tenants with series of their own.
  package init(tenantsMax: Int) { tenants = TenantRanking(shownMax: tenantsMax) }

  /// Counts a record that was committed.
  package mutating func count(_ item: JudgedItem) {
    guard case .judged(let judged) = item.outcome else { return }
    let action = judged.decision.action
    scores[item.policy.name, default: ScoreHistogram()].record(judged.judgement.score)
    count(policy: item.policy.name, action: action, tenant: item.tenant)
    for trial in item.policy.trials {
      let would = trial.decide(
        judged.judgement, on: judged.exchange.subject, atMilliseconds: item.judgedAtMilliseconds
      ).action
      let key = Trial(policy: item.policy.name, trial: trial.name, action: action, would: would)
      trials[key, default: 0] += 1
    }
  }

  package mutating func count(policy: String, action: Action, tenant: String?) {
    let label = tenants.label(for: tenant)
    counts[Key(policy: policy, action: action, tenant: label), default: 0] += 1
    if let gone = tenants.takeDisplaced() {
      for key in counts.keys where key.tenant == gone { counts[key] = nil }
    }
  }
}
