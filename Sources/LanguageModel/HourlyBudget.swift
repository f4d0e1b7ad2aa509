/// Allows so many events in any sixty minutes, counted by the minute.
///
/// A minute's events stop counting once all of that minute is an hour ago, so the limit is never
/// exceeded, and at most a minute's worth is held back for longer than needed. A pure value without
/// a clock; the caller says what time it is, counted from any fixed start.
package struct HourlyBudget: Hashable, Sendable {
  /// Events that still count, in the time of day: what outlives a process and its clock.
  package struct Spending: Hashable, Sendable, Codable {
    /// The last moment at which they can have been, since 1970.
    package let milliseconds: Int64
    package let count: Int

    package init(milliseconds: Int64, count: Int) {
      self.milliseconds = milliseconds
      self.count = count
    }
  }

  private static let minuteMilliseconds: Int64 = 60_000
  private static let minutes: Int64 = 60

  /// Events in an hour at most.
  package let limit: Int
  private var counts: [Int64: Int] = [:]
  private var spent = 0

  package init(limit: Int) { self.limit = limit }

  /// Events that may happen now.
  package mutating func left(at now: Duration) -> Int {
    forget(before: Self.minute(now) - Self.minutes)
    return max(0, limit - spent)
  }

  /// Counts an event if it may happen now; false when it may not.
  package mutating func spend(at now: Duration) -> Bool {
    guard left(at: now) > 0 else { return false }
    count(at: now)
    return true
  }

  /// Counts events that have happened, whatever the limit says.
  package mutating func count(_ events: Int = 1, at moment: Duration) {
    counts[Self.minute(moment), default: 0] += events
    spent += events
  }

  /// When the next event may happen, if none may now.
  package func nextFree() -> Duration? {
    guard let oldest = counts.keys.min() else { return nil }
    return .milliseconds((oldest + Self.minutes + 1) * Self.minuteMilliseconds)
  }

  /// What still counts, to be kept for the next process.
  package mutating func spending(at now: Duration, wallMilliseconds: Int64) -> [Spending] {
    forget(before: Self.minute(now) - Self.minutes)
    let present = Self.milliseconds(now)
    return counts.sorted { $0.key < $1.key }.map { minute, count in
      let age = max(0, present - (minute + 1) * Self.minuteMilliseconds)
      return Spending(milliseconds: wallMilliseconds - age, count: count)
    }
  }

  /// Counts what an earlier process has spent. What is said to come yet counts as if it were now.
  package mutating func remember(
    _ spending: [Spending], at now: Duration, wallMilliseconds: Int64
  ) {
    let hour = Self.minutes * Self.minuteMilliseconds
    for item in spending where item.count > 0 && item.milliseconds >= wallMilliseconds - hour {
      let age = max(0, wallMilliseconds - min(item.milliseconds, wallMilliseconds))
      count(min(item.count, Int(Int32.max)), at: now - .milliseconds(age))
    }
  }

  private mutating func forget(before minute: Int64) {
    for (key, count) in counts where key < minute {
      spent -= count
      counts[key] = nil
    }
  }

  private static func milliseconds(_ moment: Duration) -> Int64 {
    moment.components.seconds * 1_000 + moment.components.attoseconds / 1_000_000_000_000_000
  }

  private static func minute(_ moment: Duration) -> Int64 {
    // Moments before the clock's start are possible: what was spent before the system started.
    let (quotient, remainder) = milliseconds(moment).quotientAndRemainder(
      dividingBy: minuteMilliseconds)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
