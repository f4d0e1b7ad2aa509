import LanguageModel
import TestSupport
import Testing

@Suite struct HourlyBudgetTests {
  private func minutes(_ count: Double) -> Duration { .seconds(count * 60) }

  @Test(arguments: 0..<50)
  func noHourEverHasMoreThanTheLimitWhateverRestarts(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let limit = Int.random(in: 1...40, using: &generator)
    var budget = HourlyBudget(limit: limit)
    var spent: [Int64] = []
    var wall: Int64 = 1_700_000_000_000
    // What the clock of the present process shows; each process has one of its own.
    var clock = Duration.zero
    for _ in 0..<2_000 {
      let pause = Int64.random(in: 0...240_000, using: &generator)
      wall += pause
      clock += .milliseconds(pause)
      if generator.oneIn(30) {
        let kept = budget.spending(at: clock, wallMilliseconds: wall)
        let pause = Int64.random(in: 0...600_000, using: &generator)
        wall += pause
        clock = .milliseconds(Int64.random(in: 0...10_000_000, using: &generator))
        budget = HourlyBudget(limit: limit)
        budget.remember(kept, at: clock, wallMilliseconds: wall)
      }
      let left = budget.left(at: clock)
      let isAllowed = budget.spend(at: clock)
      #expect(isAllowed == (left > 0))
      if isAllowed { spent.append(wall) }
    }
    for (index, start) in spent.enumerated() {
      let inHour = spent[index...].prefix { $0 < start + 3_600_000 }.count
      #expect(inHour <= limit, "seed \(seed)")
    }
    #expect(spent.count > limit, "it is given back after an hour")
  }

  @Test func itIsFreeAgainWhenItSays() throws {
    var budget = HourlyBudget(limit: 1)
    let start = minutes(30) + .nanoseconds(7)
    var isAllowed = budget.spend(at: start)
    #expect(isAllowed)
    isAllowed = budget.spend(at: start)
    #expect(!isAllowed)
    let free = try #require(budget.nextFree())
    isAllowed = budget.spend(at: free - .nanoseconds(1))
    #expect(!isAllowed)
    isAllowed = budget.spend(at: free)
    #expect(isAllowed)
  }

  @Test func whatWasSpentBeforeTheClockStartedCounts() {
    var budget = HourlyBudget(limit: 3)
    let wall: Int64 = 1_700_000_000_000
    budget.remember(
      [
        HourlyBudget.Spending(milliseconds: wall - 11 * 60_000, count: 1),
        HourlyBudget.Spending(milliseconds: wall - 2 * 60_000, count: 1),
      ], at: minutes(1), wallMilliseconds: wall)
    var left: [Int] = []
    for minute in [1, 49, 51, 59, 61] { left.append(budget.left(at: minutes(Double(minute)))) }
    #expect(left == [1, 1, 2, 2, 3])
  }

  /// A note can be damaged, and the time of day can be set back.
  @Test func nonsenseIsForgivenAndNeverGivesMore() {
    var budget = HourlyBudget(limit: 5)
    let wall: Int64 = 1_700_000_000_000
    budget.remember(
      [
        HourlyBudget.Spending(milliseconds: .min, count: 1),
        HourlyBudget.Spending(milliseconds: wall, count: -4),
        HourlyBudget.Spending(milliseconds: wall - 3_600_001, count: 1),
      ], at: .zero, wallMilliseconds: wall)
    var left = budget.left(at: .zero)
    #expect(left == 5)
    budget.remember(
      [HourlyBudget.Spending(milliseconds: .max, count: .max)], at: .zero, wallMilliseconds: wall)
    left = budget.left(at: .zero)
    #expect(left == 0)
    left = budget.left(at: minutes(61))
    #expect(left == 5, "an hour after it was read")
  }
}
