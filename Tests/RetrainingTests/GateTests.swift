import Evaluation
import Metrics
import Retraining
import Settings
import Testing

/// Every question of the gate, answered both ways.
@Suite struct GateTests {
  private static let safe = (1...40).map { 0.005 * Double($0) }
  private static let unsafe = (1...40).map { 0.6 + 0.005 * Double($0) }
  /// As the lists above, but that the fifth of the unsafe rows ranks among the safe ones.
  private static let champion = scored(
    safe: safe, unsafe: unsafe.dropLast(8) + (1...8).map { 0.011 * Double($0) })
  private static let better = scored(safe: safe, unsafe: unsafe)

  private func gate(_ lines: String...) throws -> Gate {
    let settings = try retrainSettings("gate: {gold: g, \(lines.joined(separator: ", "))}")
    return Gate(settings: settings.gate, threshold: 0.5)
  }

  private func pair(_ champion: ScoredSet, _ candidate: ScoredSet) throws -> ScoredPair {
    try ScoredPair(
      champion: champion, candidate: candidate,
      options: MeasurementOptions(
        threshold: 0.5, bootstrap: Bootstrap(replicates: 200, seed: 1)))
  }

  private func checks(
    _ gate: Gate, _ candidate: ScoredSet, fresh: ScoredPair? = nil, latencyRatio: Double = 1,
    traffic: DecisionDifference? = nil
  ) throws -> [String: GateCheck] {
    let evidence = GateEvidence(
      gold: try pair(Self.champion, candidate), fresh: fresh, latencyRatio: latencyRatio,
      traffic: traffic)
    let checks = gate.checks(evidence)
    return Dictionary(checks.map { ($0.name, $0) }, uniquingKeysWith: { _, last in last })
  }

  @Test func aBetterModelPassesEveryCheck() throws {
    let checks = try checks(gate("slice_rows_min: 10"), Self.better)
    #expect(checks.values.filter { !$0.isPassed }.map(\.name) == [])
    #expect(
      Set(checks.keys) == [
        "gold_recall", "gold_auprc", "gold_flagged_safe", "slice:s", "fresh_auprc", "improvement",
        "latency", "decision_change",
      ])
    #expect(checks["fresh_auprc"]?.value == nil, "too few labels are no reason to refuse")
    #expect(checks["decision_change"]?.value == nil, "neither is traffic that there is not")
  }

  @Test func theSameModelIsNoImprovement() throws {
    let checks = try checks(gate(), Self.champion)
    #expect(checks.values.filter { !$0.isPassed }.map(\.name) == ["improvement"])
  }

  @Test func aModelThatMissesMoreIsRefused() throws {
    let worse = scored(safe: Self.safe, unsafe: Self.unsafe.map { $0 - 0.55 })
    let checks = try checks(gate("slice_rows_min: 10"), worse)
    for name in ["gold_recall", "gold_auprc", "slice:s", "improvement"] {
      #expect(checks[name]?.isPassed == false, "\(name)")
    }
  }

  @Test func aModelThatFlagsMoreSafeRowsIsRefused() throws {
    // The order stays: nothing but the threshold tells.
    let eager = scored(safe: Self.safe.map { $0 + 0.4 }, unsafe: Self.unsafe.map { $0 + 0.19 })
    let found = try checks(gate("flagged_safe_rise_max: 0.02"), eager)["gold_flagged_safe"]
    #expect(found?.isPassed == false)
    #expect(abs((found?.value ?? 0) - 0.525) < 1e-9, "21 of 40 reach the threshold")
    #expect(
      try checks(gate("flagged_safe_rise_max: 0.53"), eager)["gold_flagged_safe"]?.isPassed == true)
  }

  @Test func aSourceWithFewRowsIsNoSlice() throws {
    let checks = try checks(gate("slice_rows_min: 81"), Self.better)
    #expect(!checks.keys.contains("slice:s"))
  }

  @Test func newLabelsCountWhereThereAreEnough() throws {
    let fresh = try pair(Self.better, Self.champion)
    let checks = try checks(gate(), Self.better, fresh: fresh)
    #expect(checks["fresh_auprc"]?.isPassed == false, "the candidate is worse on new labels")
    #expect(checks["improvement"]?.isPassed == true, "and better on the gold set")
  }

  @Test(arguments: [(1.5, true), (1.501, false), (Double.nan, false)])
  func theTimeIsBounded(ratio: Double, isPassed: Bool) throws {
    let checks = try checks(gate("latency_ratio_max: 1.5"), Self.better, latencyRatio: ratio)
    #expect(checks["latency"]?.isPassed == isPassed)
  }

  @Test(arguments: [(10, true), (11, false)])
  func changedDecisionsAreBounded(changed: Int, isPassed: Bool) throws {
    var traffic = DecisionDifference()
    traffic.exchanges = 100
    traffic.changed = changed
    let checks = try checks(gate("decision_change_max: 0.1"), Self.better, traffic: traffic)
    #expect(checks["decision_change"]?.isPassed == isPassed)
  }
}
