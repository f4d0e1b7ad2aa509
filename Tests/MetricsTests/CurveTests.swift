import Metrics
import Testing

@Suite struct CurveTests {
  @Test(arguments: [UInt64](1...4))
  func theAreaUnderTheDrawnROCIsTheMetric(seed: UInt64) throws {
    let rows = randomRows(300, seed: seed, levels: 40)
    let tally = try RankedScores(scores: rows.scores, isUnsafe: rows.isUnsafe).tally
    var (area, recall, rate) = (0.0, 0.0, 0.0)
    for point in tally.operatingPoints {
      area += (point.falsePositiveRate - rate) * (point.recall + recall) / 2
      (recall, rate) = (point.recall, point.falsePositiveRate)
    }
    #expect(recall == 1 && rate == 1)
    #expect(abs(area - (try #require(tally.areaUnderROC))) < 1e-12, "seed \(seed)")
  }

  @Test func aThinnedCurveKeepsItsEndsAndItsSteps() throws {
    let rows = randomRows(2000, seed: 3)
    let tally = try RankedScores(scores: rows.scores, isUnsafe: rows.isUnsafe).tally
    let all = tally.operatingPoints
    let thin = tally.operatingPoints(step: 0.01)
    #expect(thin.count < all.count / 4)
    #expect(thin.first == all.first && thin.last == all.last)
    for (one, next) in zip(thin, thin.dropFirst()) {
      #expect(next.recall - one.recall <= 0.02)
      #expect(next.falsePositiveRate - one.falsePositiveRate <= 0.02)
    }
  }

  @Test func binsHoldEveryRowOnce() throws {
    let rows = randomRows(500, seed: 9, levels: 15)
    let tally = try RankedScores(scores: rows.scores, isUnsafe: rows.isUnsafe).tally
    let bins = tally.reliabilityBins
    #expect(bins.count == 15)
    #expect(bins.reduce(0) { $0 + $1.weight } == 500)
    for (index, bin) in bins.enumerated() {
      guard let mean = bin.meanScore else { continue }
      #expect(mean >= Double(index) / 15 - 1e-12 && mean <= Double(index + 1) / 15 + 1e-12)
    }
    for count in [1, 2, 20] {
      let histogram = tally.histogram(bins: count)
      #expect(histogram.count == count)
      #expect(histogram.reduce(0) { $0 + $1.unsafeCount } == tally.unsafeTotal)
      #expect(histogram.reduce(0) { $0 + $1.safeCount } == tally.safeTotal)
    }
  }
}
