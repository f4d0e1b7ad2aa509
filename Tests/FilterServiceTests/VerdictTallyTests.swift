import FilterService
import Records
import TestSupport
import Testing

/// Verdicts counted by policy, action and tenant.
@Suite struct VerdictTallyTests {
  private func counts(_ tally: VerdictTally) -> [String: Int] {
    tally.counts.reduce(into: [:]) { $0[$1.key.tenant, default: 0] += $1.value }
  }

  @Test func eachSeriesCountsItsOwn() {
    var tally = VerdictTally(tenantsMax: 3)
    for _ in 0..<2 { tally.count(policy: "default", action: .allow, tenant: nil) }
    tally.count(policy: "default", action: .quarantine, tenant: "a")
    tally.count(policy: "careful", action: .quarantine, tenant: "a")
    tally.count(policy: "default", action: .flag, tenant: "")
    let keys = tally.counts.keys.sorted().map { "\($0.policy) \($0.action) \($0.tenant)" }
    #expect(
      keys == [
        "careful quarantine a", "default allow ", "default flag ", "default quarantine a",
      ])
    #expect(tally.counts.values.reduce(0, +) == 5)
  }

  /// However many tenants records name, series are few, and the busiest have their own.
  @Test(arguments: 0..<10 as Range<UInt64>) func theBusiestTenantsAreShown(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var tally = VerdictTally(tenantsMax: 4)
    // First a crowd that fills all places, then four who bring most of the records.
    for number in 0..<5_000 { tally.count(policy: "p", action: .allow, tenant: "crowd-\(number)") }
    let busy = ["north", "east", "south", "west"]
    for _ in 0..<20_000 {
      let tenant =
        Int.random(in: 0..<4, using: &random) == 0
        ? "crowd-\(Int.random(in: 0..<100_000, using: &random))"
        : busy.randomElement(using: &random)
      tally.count(policy: "p", action: .allow, tenant: tenant)
    }
    let counts = counts(tally)
    #expect(Set(counts.keys) == Set(busy + ["other"]))
    for tenant in busy { #expect((3_000...4_500).contains(counts[tenant] ?? 0)) }
  }

  /// A series never falls back while its tenant has it.
  @Test func countsOnlyGrow() {
    var random = SeededGenerator(seed: 5)
    var tally = VerdictTally(tenantsMax: 2)
    var last: [VerdictTally.Key: Int] = [:]
    for step in 0..<30_000 {
      let tenant = "t\(Int.random(in: 0..<(step < 10_000 ? 3 : 30), using: &random))"
      tally.count(policy: "p", action: .allow, tenant: tenant)
      guard step % 100 == 0 else { continue }
      for (key, count) in tally.counts where last[key] != nil {
        #expect(count >= last[key] ?? 0)
      }
      last = tally.counts
      #expect(counts(tally).count <= 3)
    }
  }

  @Test func longNamesAndNoPlacesAreOthers() {
    var tally = VerdictTally(tenantsMax: 1)
    tally.count(policy: "p", action: .allow, tenant: String(repeating: "x", count: 65))
    #expect(counts(tally) == ["other": 1])
    var none = VerdictTally(tenantsMax: 0)
    for _ in 0..<200 { none.count(policy: "p", action: .allow, tenant: "a") }
    #expect(counts(none) == ["other": 200])
  }
}
