import Metrics
import Testing

@Suite struct EdgeTests {
  @Test(arguments: [Double.nan, .infinity, -.infinity, -0.1, 1.1])
  func whatIsNoProbabilityIsRefused(score: Double) {
    #expect(throws: MetricsError.notAProbability(row: 1)) {
      try RankedScores(scores: [0.5, score], isUnsafe: [true, false])
    }
  }

  @Test(arguments: [Double.nan, .infinity, -1])
  func whatIsNoWeightIsRefused(weight: Double) {
    #expect(throws: MetricsError.invalidWeight(row: 0)) {
      try RankedScores(scores: [0.5, 0.5], isUnsafe: [true, false], weights: [weight, 1])
    }
    #expect(throws: MetricsError.invalidWeight(row: 1)) {
      try TemperatureScaling.fit(margins: [1, 2], isUnsafe: [true, false], weights: [1, weight])
    }
  }

  @Test func countsMustAgree() {
    #expect(throws: MetricsError.countsDiffer) {
      try RankedScores(scores: [0.5], isUnsafe: [])
    }
    #expect(throws: MetricsError.countsDiffer) {
      try RankedScores(scores: [0.5], isUnsafe: [true], weights: [])
    }
    #expect(throws: MetricsError.countsDiffer) {
      try TemperatureScaling.fit(margins: [1, 2], isUnsafe: [true])
    }
  }

  @Test func withoutRowsNothingIsDefined() throws {
    let tally = try RankedScores(scores: [], isUnsafe: []).tally
    #expect(tally.values(threshold: 0.5).isEmpty)
    #expect(tally.operatingPoints.isEmpty)
    #expect(tally.threshold(falsePositiveRateMax: 1) == nil)
  }

  @Test func oneClassAloneDefinesNoRanking() throws {
    for isUnsafe in [true, false] {
      let tally = try RankedScores(
        scores: [0.2, 0.7], isUnsafe: [isUnsafe, isUnsafe]
      ).tally
      let values = tally.values(threshold: 0.5)
      #expect(values[.auprc] == nil && values[.auroc] == nil)
      #expect(values[.recallAt5PercentFalsePositives] == nil)
      #expect((values[.recall] == nil) == !isUnsafe)
      #expect((values[.falsePositiveRate] == nil) == isUnsafe)
      #expect(try TemperatureScaling.fit(margins: [1, 2], isUnsafe: [isUnsafe, isUnsafe]) == nil)
    }
  }

  @Test func rowsWithoutWeightCountForNothing() throws {
    let all = try RankedScores(
      scores: [0.9, 0.8, 0.1], isUnsafe: [true, false, false], weights: [1, 0, 1])
    let without = try RankedScores(scores: [0.9, 0.1], isUnsafe: [true, false])
    #expect(all.tally.values(threshold: 0.5) == without.tally.values(threshold: 0.5))
  }

  @Test func thresholdsAreTheLowestThatKeepTheRate() throws {
    let tally = try RankedScores(
      scores: [0.9, 0.8, 0.8, 0.5, 0.5, 0.1], isUnsafe: [true, false, true, false, false, false]
    ).tally
    // One of four safe rows is at 0.8, two at 0.5, one at 0.1.
    #expect(tally.threshold(falsePositiveRateMax: 0) == 0.9)
    #expect(tally.threshold(falsePositiveRateMax: 0.25) == 0.8)
    #expect(tally.threshold(falsePositiveRateMax: 0.74) == 0.8)
    #expect(tally.threshold(falsePositiveRateMax: 0.75) == 0.5)
    #expect(tally.threshold(falsePositiveRateMax: 1) == 0.1)
  }

  @Test func aSafeRowOnTopPutsTheThresholdAboveIt() throws {
    let tally = try RankedScores(scores: [0.75, 0.5], isUnsafe: [false, true]).tally
    #expect(tally.threshold(falsePositiveRateMax: 0) == Double(Float(0.75).nextUp))
    let saturated = try RankedScores(scores: [1, 0.5], isUnsafe: [false, true]).tally
    #expect(saturated.threshold(falsePositiveRateMax: 0) == nil)
  }

  @Test func temperaturesStayWithinTheirRange() throws {
    let perfect = try TemperatureScaling.fit(margins: [-3, 3], isUnsafe: [false, true])
    #expect(perfect == TemperatureScaling.range.lowerBound)
    let reversed = try TemperatureScaling.fit(margins: [3, -3], isUnsafe: [false, true])
    #expect(reversed == TemperatureScaling.range.upperBound)
    #expect(throws: MetricsError.notFinite(row: 1)) {
      try TemperatureScaling.fit(margins: [1, .infinity], isUnsafe: [true, false])
    }
  }

  @Test func weightsCountLikeRepeatedRows() throws {
    let repeated = try TemperatureScaling.fit(
      margins: [2, 2, 2, -1, 0.5, -2], isUnsafe: [true, true, true, true, false, false])
    let weighted = try TemperatureScaling.fit(
      margins: [2, -1, 0.5, -2], isUnsafe: [true, true, false, false], weights: [3, 1, 1, 1])
    #expect(abs(try #require(repeated) - #require(weighted)) < 1e-12)
  }
}
