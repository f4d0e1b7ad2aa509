package import Basics
internal import LanguageModel

/// Allows each tenant so many labels an hour.
package struct TenantCaps: Sendable {
  /// Tenants remembered; with more of them at once, the further ones share one allowance.
  package static let tenantsMax = 10_000

  private let limit: Int?
  private var budgets: [String?: HourlyBudget] = [:]
  private var others: HourlyBudget

  /// - Parameter limit: labels of one tenant in an hour; nil for no cap.
  package init(limit: Int?) {
    self.limit = limit
    others = HourlyBudget(limit: limit ?? 0)
  }

  /// Counts a label of that tenant if it may have one more now.
  package mutating func spend(_ tenant: String?, at now: Instant) -> Bool {
    guard let limit else { return true }
    let time = now.sinceStart
    if budgets[tenant] == nil, budgets.count >= Self.tenantsMax {
      for (key, budget) in budgets {
        var budget = budget
        if budget.left(at: time) == limit { budgets[key] = nil }
      }
      if budgets.count >= Self.tenantsMax { return others.spend(at: time) }
    }
    return budgets[tenant, default: HourlyBudget(limit: limit)].spend(at: time)
  }
}

extension Instant {
  /// This moment as an hourly budget counts.
  var sinceStart: Duration { .nanoseconds(nanoseconds) }
}
