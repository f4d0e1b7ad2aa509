package import Basics

/// Allows so many events in any sixty minutes, counted by the minute.
///
/// A minute's events stop counting once all of that minute is an hour ago, so the limit is never
/// exceeded, and at most a minute's worth is held back for longer than needed.
package struct HourlyBudget: Hashable, Sendable {
  private static let minuteNanoseconds: Int64 = 60_000_000_000
  private static let minutes: Int64 = 60

  /// Events in an hour at most.
  package let limit: Int
  private var counts: [Int64: Int] = [:]
  private var spent = 0

  package init(limit: Int) { self.limit = limit }

  /// Events that may happen now.
  package mutating func left(at now: Instant) -> Int {
    forget(before: Self.minute(now) - Self.minutes)
    return max(0, limit - spent)
  }

  /// Counts an event if it may happen now; false when it may not.
  package mutating func spend(at now: Instant) -> Bool {
    guard left(at: now) > 0 else { return false }
    count(at: now)
    return true
  }

  /// Counts an event that has happened, whatever the limit says.
  package mutating func count(at moment: Instant) {
    counts[Self.minute(moment), default: 0] += 1
    spent += 1
  }

  /// Takes back an event that was counted and did not happen.
  package mutating func refund(at moment: Instant) {
    let minute = Self.minute(moment)
    guard let count = counts[minute], count > 0 else { return }
    counts[minute] = count - 1
    spent -= 1
  }

  /// When the next event may happen, if none may now.
  package func nextFree() -> Instant? {
    guard let oldest = counts.filter({ $0.value > 0 }).keys.min() else { return nil }
    return Instant(nanoseconds: (oldest + Self.minutes + 1) * Self.minuteNanoseconds)
  }

  /// Whether nothing is counted, so that it may be forgotten.
  package mutating func isUnused(at now: Instant) -> Bool { left(at: now) == limit }

  private mutating func forget(before minute: Int64) {
    for (key, count) in counts where key < minute {
      spent -= count
      counts[key] = nil
    }
  }

  private static func minute(_ moment: Instant) -> Int64 {
    // Moments before the clock's start are possible: what was spent before the system started.
    let (quotient, remainder) = moment.nanoseconds.quotientAndRemainder(
      dividingBy: minuteNanoseconds)
    return remainder < 0 ? quotient - 1 : quotient
  }
}

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
    if budgets[tenant] == nil, budgets.count >= Self.tenantsMax {
      for (key, budget) in budgets {
        var budget = budget
        if budget.isUnused(at: now) { budgets[key] = nil }
      }
      if budgets.count >= Self.tenantsMax { return others.spend(at: now) }
    }
    return budgets[tenant, default: HourlyBudget(limit: limit)].spend(at: now)
  }
}
