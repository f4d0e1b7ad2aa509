import Evaluation
import Metrics
import Retraining
import Settings
import TestSupport
import Testing

@Suite struct GateTests {
  private let settings: GateSettings

  init() throws {
    let directory = try TemporaryDirectory()
    var settings = try #require(try directory.settings().retrain).gate
    settings.sliceRowsMin = 10
    settings.falsePositiveRate = 0.2
    self.settings = settings
  }

  /// Scores that tell the classes apart by so much.
  private func set(skill: Double, count: Int = 80, isUnsafe: (Int) -> Bool = { $0 % 2 == 1 })
    -> ScoredSet
  {
    var random = SeededGenerator(seed: 5)
    let rows = (0..<count).map { number in
      let noise = Double.random(in: 0...1, using: &random)
      let score = noise * (1 - skill) + (isUnsafe(number) ? skill : 0)
      return ScoredRow(
        margin: score, score: Double(Float(score)), isUnsafe: isUnsafe(number),
        source: number < 60 ? "many" : number < 70 ? "enough" : "few-\(number % 2)")
    }
    return ScoredSet(name: "gold", rows: rows)
  }

  private func pair(
    _ champion: ScoredSet, _ candidate: ScoredSet, replicates: Int = 50
  ) throws -> ScoredPair {
    try ScoredPair(
      champion: champion, candidate: candidate,
      options: MeasurementOptions(bootstrap: Bootstrap(replicates: replicates, seed: 1)))
  }

  private func evidence(_ candidate: Double, than champion: Double) throws -> GateEvidence {
    var traffic = DecisionDifference()
    (traffic.exchanges, traffic.changed) = (80, 3)
    return GateEvidence(
      gold: try pair(set(skill: champion), set(skill: candidate)),
      fresh: try pair(set(skill: champion, count: 40), set(skill: candidate, count: 40)),
      latencyRatio: 1.1, traffic: traffic)
  }

  private func failed(_ evidence: GateEvidence, _ settings: GateSettings? = nil) -> [String] {
    Gate(settings: settings ?? self.settings, threshold: 0.5).checks(evidence)
      .filter { !$0.isPassed }.map(\.name)
  }

  /// How easily a candidate is evaded counts where the settings say so.
  @Test func evasionIsBoundedWhereAsked() throws {
    var evidence = try evidence(0.3, than: 0.1)
    evidence.evasion = EvasionReport.Findings(
      set: "gold", attacked: 10, flipped: [.leet: 10, .spacing: 5], flippedByAny: 10)
    #expect(failed(evidence) == [])
    var asking = settings
    asking.evasionFlipMax = 0.15
    #expect(failed(evidence, asking) == [])
    asking.evasionFlipMax = 0.14
    #expect(failed(evidence, asking) == ["evasion_flips"])
    evidence.evasion = EvasionReport.Findings(
      set: "gold", attacked: 0, flipped: [:], flippedByAny: 0)
    #expect(failed(evidence, asking) == [], "nothing is flagged that could be changed")
  }

  @Test func aBetterModelPassesEveryCheck() throws {
    let checks = Gate(settings: settings, threshold: 0.5).checks(try evidence(0.3, than: 0.1))
    #expect(
      checks.map(\.name) == [
        "gold_recall", "gold_auprc", "gold_flagged_safe", "slice:enough", "slice:many",
        "fresh_auprc", "improvement", "latency", "decision_change",
      ])
    #expect(checks.allSatisfy { $0.isPassed && $0.value != nil }, "\(checks)")
  }

  @Test func aWorseModelFailsWhereItIsWorse() throws {
    #expect(
      failed(try evidence(0.1, than: 0.45)) == [
        "gold_recall", "gold_auprc", "gold_flagged_safe", "slice:enough", "slice:many",
        "fresh_auprc", "improvement",
      ])
  }

  /// Each bound with what it is compared to, as the settings say it.
  private static let bounds: [(String, @Sendable (inout GateSettings, Double) -> Void)] = [
    ("gold_recall", { $0.recallDropMax = -$1 }),
    ("gold_auprc", { $0.auprcDropMax = -$1 }),
    ("gold_flagged_safe", { $0.flaggedSafeRiseMax = $1 }),
    ("slice:many", { $0.sliceErrorRiseMax = $1 }),
    ("fresh_auprc", { $0.freshAuprcDropMax = -$1 }),
    ("latency", { $0.latencyRatioMax = $1 }),
    ("decision_change", { $0.decisionChangeMax = $1 }),
  ]

  @Test(arguments: bounds.indices)
  func aValueAtItsBoundPassesAndOneBeyondItFails(place: Int) throws {
    let (name, setBound) = Self.bounds[place]
    let evidence = try evidence(0.2, than: 0.25)
    var settings = settings
    let gate = Gate(settings: settings, threshold: 0.5)
    let value = try #require(gate.checks(evidence).first { $0.name == name }?.value)
    setBound(&settings, value)
    #expect(!failed(evidence, settings).contains(name))
    let isLowest = name.hasPrefix("gold_r") || name.hasSuffix("auprc")
    setBound(&settings, isLowest ? value.nextUp : value.nextDown)
    #expect(failed(evidence, settings).contains(name))
  }

  @Test func aModelThatIsBetterNowhereIsNotWorthAChange() throws {
    var evidence = try evidence(0.2, than: 0.2)
    #expect(failed(evidence) == ["improvement"])
    evidence.fresh = try pair(set(skill: 0.2, count: 40), set(skill: 0.3, count: 40))
    #expect(failed(evidence) == [], "new labels alone are reason enough")
    evidence.fresh = nil
    #expect(failed(evidence) == ["improvement"])
  }

  @Test func aModelThatIsWorseOnNewLabelsFailsThough() throws {
    var evidence = try evidence(0.3, than: 0.1)
    evidence.fresh = try pair(set(skill: 0.45, count: 40), set(skill: 0.1, count: 40))
    #expect(failed(evidence) == ["fresh_auprc"], "the gold set is reason enough for a change")
  }

  @Test func whatCannotBeMeasuredOfTheGoldSetFails() throws {
    var evidence = try evidence(0.3, than: 0.1)
    let unsafeOnly = { (skill: Double) in set(skill: skill) { _ in true } }
    evidence.gold = try pair(unsafeOnly(0.1), unsafeOnly(0.3))
    evidence.fresh = nil
    let checks = Gate(settings: settings, threshold: 0.5).checks(evidence)
    let undefined = checks.filter { $0.value == nil && !$0.isPassed }.map(\.name)
    #expect(undefined.contains("gold_recall") && undefined.contains("gold_flagged_safe"))
    #expect(checks.contains { !$0.isPassed })
  }

  @Test func whatThereIsNoneOfIsNoReason() throws {
    var evidence = try evidence(0.3, than: 0.1)
    evidence.fresh = nil
    for traffic in [nil, DecisionDifference()] {
      evidence.traffic = traffic
      let checks = Gate(settings: settings, threshold: 0.5).checks(evidence)
      #expect(checks.allSatisfy { $0.isPassed })
      #expect(
        checks.filter { $0.value == nil }.map(\.name) == ["fresh_auprc", "decision_change"])
    }
  }

  @Test func withoutABootstrapTheDifferenceItselfCounts() throws {
    var evidence = try evidence(0.3, than: 0.1)
    evidence.gold = try pair(set(skill: 0.1), set(skill: 0.3), replicates: 0)
    let checks = Gate(settings: settings, threshold: 0.5).checks(evidence)
    let value = try #require(checks.first { $0.name == "gold_auprc" }?.value)
    let gain = try #require(checks.first { $0.name == "improvement" }?.value)
    #expect(value > 0 && value <= gain)
  }

  @Test(arguments: [Double.nan, .infinity])
  func aTimeThatIsNoTimeFails(ratio: Double) throws {
    var evidence = try evidence(0.3, than: 0.1)
    evidence.latencyRatio = ratio
    #expect(failed(evidence) == ["latency"])
  }

  /// Scores have the precision of `Float`: one at the threshold is flagged, as the filter does.
  @Test func aScoreAtTheThresholdCountsAsFlagged() throws {
    func gold(_ score: Double) -> ScoredSet {
      ScoredSet(
        name: "gold",
        rows: (0..<20).map {
          ScoredRow(
            margin: 0, score: $0 == 0 ? score : $0 % 2 == 1 ? 0.9 : 0.1, isUnsafe: $0 % 2 == 1,
            source: "all")
        })
    }
    let threshold = Double(Float(0.7))
    for (score, isFlagged) in [(threshold, true), (Double(Float(0.7).nextDown), false)] {
      var evidence = try evidence(0.3, than: 0.1)
      evidence.gold = try ScoredPair(
        champion: gold(0.1), candidate: gold(score),
        options: MeasurementOptions(
          threshold: threshold, bootstrap: Bootstrap(replicates: 0, seed: 1)))
      let checks = Gate(settings: settings, threshold: threshold).checks(evidence)
      #expect(checks.first { $0.name == "slice:all" }?.value == (isFlagged ? 0.05 : 0))
      #expect(checks.first { $0.name == "gold_flagged_safe" }?.value == (isFlagged ? 0.1 : 0))
    }
  }
}
