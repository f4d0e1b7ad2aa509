import Basics
import LabelService
import Records
import Settings
import TestSupport
import Testing

@Suite struct SamplerTests {
  private let near = JudgedFeatures(score: Score(0.55), threshold: 0.5)
  private let far = JudgedFeatures(score: Score(0.95), threshold: 0.5)

  private func disagreement(_ offset: Int64, score: Float, share: Double = 1) -> Disagreement {
    Disagreement(
      source: position(offset), score: Score(score), threshold: 0.5, model: "guard@0",
      challengerScore: Score(0.1), challenger: "challenger@1", share: share)
  }

  private func position(_ offset: Int64, _ partition: Int32 = 0) -> SourcePosition {
    SourcePosition(topic: "in", partition: partition, offset: offset)
  }

  @Test func strataFollowTheVerdict() {
    let sampler = Sampler(plan: SamplingPlan())
    #expect(sampler.strata(of: far) == [.random])
    #expect(sampler.strata(of: near) == [.random, .uncertain])
  }

  @Test func theInclusionProbabilityIsThatOfAnyStratum() {
    let sampler = Sampler(
      plan: SamplingPlan(randomRate: 0.1, uncertaintyRate: 0.2, disagreementRate: 0.5))
    #expect(sampler.inclusionProbability([.random]) == 1 - 0.9)
    #expect(abs(sampler.inclusionProbability([.random, .uncertain]) - 0.28) < 1e-12)
    #expect(abs(sampler.inclusionProbability(Stratum.allCases) - 0.64) < 1e-12)
  }

  @Test(arguments: [UInt64(0), 1, 12_345])
  func exchangesAreChosenAsOftenAsTheProbabilitySays(seed: UInt64) {
    let sampler = Sampler(
      plan: SamplingPlan(
        randomRate: 0.05, uncertaintyRate: 0.2, disagreementRate: 0.5, seed: seed))
    let count = 20_000
    for features in [near, far] {
      let chosen = (0..<count).filter {
        sampler.select(position(Int64($0)), features) != nil
      }.count
      let expected = sampler.inclusionProbability(sampler.strata(of: features))
      let deviation = (expected * (1 - expected) / Double(count)).squareRoot()
      let share = Double(chosen) / Double(count)
      #expect(abs(share - expected) < 4.5 * deviation, "seed \(seed): \(share) for \(expected)")
    }
  }

  /// A challenger that sees every fourth exchange: those that the verdict or the disagreement
  /// chooses are as many as the probability on the label says, and none is chosen twice.
  @Test(arguments: [0.55, 0.95] as [Float], [UInt64(0), 1, 12_345])
  func disagreementsAreChosenBesides(score: Float, seed: UInt64) throws {
    let sampler = Sampler(
      plan: SamplingPlan(
        randomRate: 0.05, uncertaintyRate: 0.2, disagreementRate: 0.5, seed: seed))
    let features = JudgedFeatures(score: Score(score), threshold: 0.5)
    let count = 20_000
    var random = SeededGenerator(seed: seed)
    var chosen = 0
    var expected = 0.0
    for offset in 0..<Int64(count) {
      let byVerdict = sampler.select(position(offset), features)
      guard Double.random(in: 0..<1, using: &random) < 0.25 else {
        if byVerdict != nil { chosen += 1 }
        continue
      }
      let besides = sampler.select(disagreement(offset, score: score, share: 0.25))
      #expect(byVerdict == nil || besides == nil)
      if byVerdict != nil || besides != nil { chosen += 1 }
      if let besides {
        #expect(besides.stratum == .disagreement)
        expected = besides.inclusionProbability
      }
    }
    let deviation = (expected * (1 - expected) / Double(count)).squareRoot()
    let share = Double(chosen) / Double(count)
    #expect(abs(share - expected) < 4.5 * deviation, "seed \(seed): \(share) for \(expected)")
  }

  @Test func drawsRepeatThemselvesAndDependOnTheSeed() {
    let plan = SamplingPlan(randomRate: 0.5)
    func chosen(_ plan: SamplingPlan) -> [Bool] {
      (0..<500).map { Sampler(plan: plan).select(position($0, 3), far) != nil }
    }
    var other = plan
    other.seed = 1
    #expect(chosen(plan) == chosen(plan))
    #expect(chosen(plan) != chosen(other))
  }

  @Test func whatCannotBeChosenIsNeverSelected() {
    let sampler = Sampler(
      plan: SamplingPlan(randomRate: 0.02, uncertaintyRate: 0.05, disagreementRate: 0.1))
    var refused = 0
    for offset in 0..<5_000 {
      let position = position(Int64(offset))
      guard !sampler.mayChoose(position) else { continue }
      refused += 1
      for features in [near, far] {
        #expect(sampler.select(position, features) == nil)
      }
    }
    #expect(refused > 4_000, "most exchanges need not be decoded: \(refused)")
  }
}

@Suite struct TenantCapsTests {
  @Test func eachTenantHasItsOwnCap() {
    var caps = TenantCaps(limit: 2)
    var allowed: [Bool] = []
    for tenant in ["a", "a", nil, "a", nil, nil, "b"] {
      allowed.append(caps.spend(tenant, at: .zero))
    }
    #expect(allowed == [true, true, true, false, true, false, true])
    let isAllowedLater = caps.spend("a", at: Instant(nanoseconds: 61 * 60_000_000_000))
    #expect(isAllowedLater)
    var none = TenantCaps(limit: nil)
    for _ in 0..<100 {
      let isAllowed = none.spend("a", at: .zero)
      #expect(isAllowed)
    }
  }
}
