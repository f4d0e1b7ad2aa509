package import Evaluation
internal import Metrics
internal import Records
package import Settings

/// One question that a candidate was asked, and its answer.
package struct GateCheck: Codable, Hashable, Sendable {
  package let name: String
  /// What was measured; nil when it could not be.
  package let value: Double?
  /// What it is compared with.
  package let bound: Double
  package let isPassed: Bool
  /// The figures behind it.
  package let detail: String

  private enum CodingKeys: String, CodingKey {
    case name, value, bound, detail
    case isPassed = "passed"
  }
}

/// What is known of a candidate beside the champion.
package struct GateEvidence: Sendable {
  /// All gold rows as each model judges them.
  package var gold: ScoredPair
  /// The labels' own test rows; nil when they are too few or of one class.
  package var fresh: ScoredPair?
  /// The candidate's time for the same sequences by the champion's.
  package var latencyRatio: Double
  /// Replayed traffic; nil when there is none.
  package var traffic: DecisionDifference?
  /// What the candidate lets pass of changed gold rows; nil when that is not tried.
  package var evasion: EvasionReport.Findings?

  package init(
    gold: ScoredPair, fresh: ScoredPair?, latencyRatio: Double, traffic: DecisionDifference?,
    evasion: EvasionReport.Findings? = nil
  ) {
    self.gold = gold
    self.fresh = fresh
    self.latencyRatio = latencyRatio
    self.traffic = traffic
    self.evasion = evasion
  }
}

/// The same rows as the champion and as the candidate judge them.
package struct ScoredPair: Sendable {
  let champion: ScoredSet
  let candidate: ScoredSet
  let comparison: Comparison

  struct Comparison: Sendable {
    let champion: SetReport
    let candidate: SetReport
    let differences: [Metric: PairedDifference]
  }

  package init(
    champion: ScoredSet, candidate: ScoredSet, options: MeasurementOptions
  ) throws(EvaluationFailure) {
    self.champion = champion
    self.candidate = candidate
    let old = try SetReport(champion, options: options, index: 0)
    let new = try SetReport(candidate, options: options, index: 0)
    let comparison = try ModelComparison(of: [new], with: "champion", [old])
    self.comparison = Comparison(
      champion: old, candidate: new, differences: comparison.differences[0])
  }
}

/// How decisions on replayed traffic differ.
package struct DecisionDifference: Hashable, Sendable {
  package var exchanges = 0
  package var changed = 0
  package var flaggedBefore = 0
  package var flaggedAfter = 0

  package init() {}
}

/// Decides whether a candidate may become the champion. Every check must pass.
package struct Gate: Sendable {
  private let settings: GateSettings
  private let threshold: Double

  /// - Parameter threshold: scores from this up are flagged: the default policy's.
  package init(settings: GateSettings, threshold: Double) {
    self.settings = settings
    self.threshold = threshold
  }

  /// All checks, in the order in which a reader wants them.
  package func checks(_ evidence: GateEvidence) -> [GateCheck] {
    [recall(evidence.gold), ranking(evidence.gold), falsePositives(evidence.gold)]
      + slices(evidence.gold) + [fresh(evidence.fresh), improvement(evidence)]
      + [latency(evidence.latencyRatio), decisions(evidence.traffic)]
      + [evasion(evidence.evasion)].compactMap { $0 }
  }

  private func recall(_ gold: ScoredPair) -> GateCheck {
    let rate = settings.falsePositiveRate
    let before = gold.comparison.champion.tally.recall(falsePositiveRateMax: rate)
    let after = gold.comparison.candidate.tally.recall(falsePositiveRateMax: rate)
    return difference(
      "gold_recall", before, after, atLeast: -settings.recallDropMax,
      "recall at \(percent(rate)) false positives")
  }

  /// Non-inferiority: the whole interval must lie above the bound.
  private func ranking(_ gold: ScoredPair) -> GateCheck {
    let difference = gold.comparison.differences[.auprc]
    let low = difference.map { $0.interval?.low ?? $0.difference }
    return GateCheck(
      name: "gold_auprc", value: low, bound: -settings.auprcDropMax,
      isPassed: low.map { $0 >= -settings.auprcDropMax } ?? false,
      detail: "lower end of the 95 % interval of the difference "
        + text(difference?.difference))
  }

  private func falsePositives(_ gold: ScoredPair) -> GateCheck {
    let before = gold.comparison.champion.measurement.values[.falsePositiveRate]
    let after = gold.comparison.candidate.measurement.values[.falsePositiveRate]
    let rise = before.flatMap { before in after.map { $0 - before } }
    return GateCheck(
      name: "gold_flagged_safe", value: rise, bound: settings.flaggedSafeRiseMax,
      isPassed: rise.map { $0 <= settings.flaggedSafeRiseMax } ?? false,
      detail: "share of safe rows flagged at \(threshold): \(text(before)) -> \(text(after))")
  }

  /// Errors of each source with enough rows.
  private func slices(_ gold: ScoredPair) -> [GateCheck] {
    let places = Dictionary(grouping: gold.champion.rows.indices) { gold.champion.rows[$0].source }
    let large = places.filter { $0.value.count >= settings.sliceRowsMin }
    return large.sorted { $0.key < $1.key }.map { source, places in
      let before = errorShare(gold.champion, places)
      let after = errorShare(gold.candidate, places)
      return GateCheck(
        name: "slice:\(source)", value: after - before, bound: settings.sliceErrorRiseMax,
        isPassed: after - before <= settings.sliceErrorRiseMax,
        detail: "errors among \(places.count) rows: \(text(before)) -> \(text(after))")
    }
  }

  private func errorShare(_ set: ScoredSet, _ places: [Int]) -> Double {
    let errors = places.map { set.rows[$0] }.count { row in
      Score(Float(row.score)).reaches(Float(threshold)) != row.isUnsafe
    }
    return Double(errors) / Double(places.count)
  }

  private func fresh(_ fresh: ScoredPair?) -> GateCheck {
    guard let fresh else {
      return GateCheck(
        name: "fresh_auprc", value: nil, bound: -settings.freshAuprcDropMax, isPassed: true,
        detail: "fewer than \(settings.freshRowsMin) new test labels of both classes")
    }
    return difference(
      "fresh_auprc", auprc(fresh.comparison.champion), auprc(fresh.comparison.candidate),
      atLeast: -settings.freshAuprcDropMax, "AUPRC on \(fresh.champion.rows.count) new test labels")
  }

  /// A candidate that is better nowhere is not worth a change.
  private func improvement(_ evidence: GateEvidence) -> GateCheck {
    let gains = [evidence.gold, evidence.fresh].compactMap { pair in
      pair?.comparison.differences[.auprc]?.difference
    }
    let best = gains.max()
    return GateCheck(
      name: "improvement", value: best, bound: 0, isPassed: best.map { $0 > 0 } ?? false,
      detail: "largest gain in AUPRC, of gold set and new test labels")
  }

  private func latency(_ ratio: Double) -> GateCheck {
    GateCheck(
      name: "latency", value: ratio, bound: settings.latencyRatioMax,
      isPassed: ratio <= settings.latencyRatioMax, detail: "time by the champion's")
  }

  private func decisions(_ traffic: DecisionDifference?) -> GateCheck {
    guard let traffic, traffic.exchanges > 0 else {
      return GateCheck(
        name: "decision_change", value: nil, bound: settings.decisionChangeMax, isPassed: true,
        detail: "no traffic to replay")
    }
    let share = Double(traffic.changed) / Double(traffic.exchanges)
    return GateCheck(
      name: "decision_change", value: share, bound: settings.decisionChangeMax,
      isPassed: share <= settings.decisionChangeMax,
      detail: "of \(traffic.exchanges) exchanges; flagged \(traffic.flaggedBefore) -> "
        + "\(traffic.flaggedAfter)")
  }

  /// Nil when the settings do not ask.
  private func evasion(_ findings: EvasionReport.Findings?) -> GateCheck? {
    guard let bound = settings.evasionFlipMax else { return nil }
    let rate = findings?.meanRate
    return GateCheck(
      name: "evasion_flips", value: rate, bound: bound, isPassed: rate.map { $0 <= bound } ?? true,
      detail: "let pass once changed, of \(findings?.attacked ?? 0) flagged unsafe rows; "
        + "after at least one change \(text(findings?.rate(nil)?.value))")
  }

  private func auprc(_ report: SetReport) -> Double? { report.measurement.values[.auprc] }

  private func difference(
    _ name: String, _ before: Double?, _ after: Double?, atLeast bound: Double, _ words: String
  ) -> GateCheck {
    let value = before.flatMap { before in after.map { $0 - before } }
    return GateCheck(
      name: name, value: value, bound: bound, isPassed: value.map { $0 >= bound } ?? false,
      detail: "\(words): \(text(before)) -> \(text(after))")
  }

  private func text(_ value: Double?) -> String {
    value.map { "\(($0 * 10_000).rounded() / 10_000)" } ?? "undefined"
  }

  private func percent(_ share: Double) -> String { "\((share * 1_000).rounded() / 10) %" }
}
