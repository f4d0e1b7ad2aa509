import Glibc
import Metrics
import TestSupport
import Testing

@Suite struct ReferenceTests {
  private func isEqual(_ value: Double?, _ expected: Double?) -> Bool {
    switch (value, expected) {
    case (nil, nil): true
    case (let value?, let expected?): abs(value - expected) < 1e-9
    default: false
    }
  }

  @Test(arguments: try MetricsFixture.load().cases)
  func everyMetricEqualsScikitLearns(of expected: MetricsFixture.Case) throws {
    let values = try expected.ranked().tally.values(threshold: 0.5)
    #expect(isEqual(values[.f1], expected.f1))
    #expect(isEqual(values[.auprc], expected.auprc))
    #expect(isEqual(values[.auroc], expected.auroc))
    #expect(isEqual(values[.precision], expected.precision))
    #expect(isEqual(values[.recall], expected.recall))
    #expect(isEqual(values[.falsePositiveRate], expected.falsePositiveRate))
    #expect(isEqual(values[.expectedCalibrationError], expected.expectedCalibrationError))
  }

  @Test(arguments: try MetricsFixture.load().cases)
  func recallAtFalsePositiveRatesEqualsTheROCCurves(of expected: MetricsFixture.Case) throws {
    let tally = try expected.ranked().tally
    for (index, rate) in try MetricsFixture.load().rates.enumerated() {
      let recall = tally.recall(falsePositiveRateMax: rate)
      #expect(isEqual(recall, expected.recallAtRates?[index]), "at \(rate)")
    }
  }

  @Test(arguments: try MetricsFixture.load().cases.filter { $0.temperature != nil })
  func temperaturesAreAsLikelyAsSciPys(of expected: MetricsFixture.Case) throws {
    let margins = expected.scores.map { Glibc.log($0 / (1 - $0)) }
    let fitted = try #require(
      try TemperatureScaling.fit(margins: margins, isUnsafe: expected.isUnsafe))
    let reference = try #require(expected.temperature)
    #expect(abs(fitted - reference) < 1e-4 * reference)
    let loss = Self.negativeLogLikelihood(
      margins: margins, isUnsafe: expected.isUnsafe, temperature: fitted)
    let referenceLoss = Self.negativeLogLikelihood(
      margins: margins, isUnsafe: expected.isUnsafe, temperature: reference)
    #expect(try #require(loss) <= #require(referenceLoss) + 1e-12)
  }

  /// The mean of -log P(class of the row); nil without weight.
  private static func negativeLogLikelihood(
    margins: [Double], isUnsafe: [Bool], temperature: Double
  ) -> Double? {
    guard !margins.isEmpty else { return nil }
    let sum = zip(margins, isUnsafe).reduce(0.0) { sum, row in
      let logit = (row.1 ? row.0 : -row.0) / temperature
      return sum + max(0, -logit) + log1p(exp(-abs(logit)))
    }
    return sum / Double(margins.count)
  }

  @Test func rowsMayStandInAnyOrder() throws {
    for seed in UInt64(1)...5 {
      let rows = randomRows(200, seed: seed, levels: 12)
      var generator = SeededGenerator(seed: seed)
      let order = rows.scores.indices.shuffled(using: &generator)
      let one = try RankedScores(scores: rows.scores, isUnsafe: rows.isUnsafe)
      let other = try RankedScores(
        scores: order.map { rows.scores[$0] }, isUnsafe: order.map { rows.isUnsafe[$0] })
      #expect(
        one.tally.values(threshold: 0.5) == other.tally.values(threshold: 0.5), "seed \(seed)")
    }
  }
}
