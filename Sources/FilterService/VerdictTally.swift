package import Pipeline
package import Records

/// Verdicts by policy, action and tenant, in a bounded number of series, and scores by policy.
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

  package private(set) var counts: [Key: Int] = [:]
  /// By policy.
  package private(set) var scores: [String: ScoreHistogram] = [:]
  private var tenants: TenantRanking

  /// - Parameter tenantsMax: tenants with series of their own.
  package init(tenantsMax: Int) { tenants = TenantRanking(shownMax: tenantsMax) }

  /// Counts a record that was committed.
  package mutating func count(_ item: JudgedItem) {
    guard case .judged(_, let judgement, let decision) = item.outcome else { return }
    scores[item.policy.name, default: ScoreHistogram()].record(judgement.score)
    count(policy: item.policy.name, action: decision.action, tenant: item.tenant)
  }

  package mutating func count(policy: String, action: Action, tenant: String?) {
    let label = tenants.label(for: tenant)
    counts[Key(policy: policy, action: action, tenant: label), default: 0] += 1
    if let gone = tenants.takeDisplaced() {
      for key in counts.keys where key.tenant == gone { counts[key] = nil }
    }
  }
}
