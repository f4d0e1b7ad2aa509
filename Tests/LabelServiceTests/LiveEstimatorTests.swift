import LabelService
import TestSupport
import Testing

/// Estimates against traffic whose truth is known.
@Suite struct LiveEstimatorTests {
  /// One exchange of a made-up population.
  private struct Exchange {
    let cell: LiveEstimator.Cell
    let isUnsafe: Bool
    let probability: Double
  }

  /// A population in which the guard errs, most of all near the threshold.
  private struct Population {
    let exchanges: [Exchange]

    init(count: Int, unsafeShare: Double, seed: UInt64, randomRate: Double) {
      var generator = SeededGenerator(seed: seed)
      exchanges = (0..<count).map { _ in
        let isUnsafe = Double.random(in: 0..<1, using: &generator) < unsafeShare
        let centre = isUnsafe ? 0.75 : 0.2
        let noise = (0..<4).reduce(0.0) { sum, _ in
          sum + Double.random(in: -0.25...0.25, using: &generator)
        }
        let score = min(max(centre + noise, 0), 1)
        let isNear = abs(score - 0.5) <= 0.15
        return Exchange(
          cell: LiveEstimator.Cell(
            isFlagged: score >= 0.5, strata: isNear ? [.random, .uncertain] : [.random]),
          isUnsafe: isUnsafe,
          probability: isNear ? 1 - (1 - randomRate) * (1 - 0.4) : randomRate)
      }
    }

    var recall: Double { share { $0.isUnsafe } }
    var falsePositiveRate: Double { share { !$0.isUnsafe } }

    private func share(_ isCounted: (Exchange) -> Bool) -> Double {
      let counted = exchanges.filter(isCounted)
      return Double(counted.filter(\.cell.isFlagged).count) / Double(counted.count)
    }

    /// What one sample tells; `answered` of the chosen ones get a label.
    func estimates(
      using generator: inout SeededGenerator, answered: Double = 1
    ) -> LiveEstimates {
      var estimator = LiveEstimator(windowMilliseconds: 60_000)
      for exchange in exchanges {
        estimator.judged(exchange.cell, atMilliseconds: 1_000)
        guard Double.random(in: 0..<1, using: &generator) < exchange.probability,
          Double.random(in: 0..<1, using: &generator) < answered
        else { continue }
        estimator.labelled(
          exchange.cell, atMilliseconds: 1_000, inclusionProbability: exchange.probability,
          isUnsafe: exchange.isUnsafe)
      }
      return estimator.estimates(nowMilliseconds: 1_000)
    }
  }

  private struct Scores {
    var sum = 0.0
    var squares = 0.0
    var hits = 0
    var count = 0
    var width = 0.0

    mutating func add(_ estimate: Estimate?, truth: Double) {
      guard let estimate else { return }
      count += 1
      sum += estimate.value
      squares += estimate.value * estimate.value
      width += estimate.upper - estimate.lower
      if (estimate.lower...estimate.upper).contains(truth) { hits += 1 }
    }

    var mean: Double { sum / Double(count) }
    var coverage: Double { Double(hits) / Double(count) }
    var standardError: Double {
      ((squares / Double(count) - mean * mean) / Double(count)).squareRoot()
    }
  }

  @Test(arguments: [
    (unsafeShare: 0.3, randomRate: 0.1, answered: 1.0),
    (unsafeShare: 0.05, randomRate: 0.1, answered: 1.0),
    (unsafeShare: 0.2, randomRate: 0.05, answered: 1.0),
    (unsafeShare: 0.2, randomRate: 0.2, answered: 0.5),
  ])
  func estimatesAreUnbiasedAndIntervalsCover(
    unsafeShare: Double, randomRate: Double, answered: Double
  ) {
    let population = Population(
      count: 3_000, unsafeShare: unsafeShare, seed: 7, randomRate: randomRate)
    var generator = SeededGenerator(seed: 11)
    var (recall, falsePositives) = (Scores(), Scores())
    let runs = 600
    for _ in 0..<runs {
      let estimates = population.estimates(using: &generator, answered: answered)
      recall.add(estimates.recall, truth: population.recall)
      falsePositives.add(estimates.falsePositiveRate, truth: population.falsePositiveRate)
    }
    for (scores, truth) in [
      (recall, population.recall), (falsePositives, population.falsePositiveRate),
    ] {
      #expect(scores.count == runs)
      // A ratio of two estimates has a bias of the order of one over the sample's size.
      #expect(
        abs(scores.mean - truth) < 4 * scores.standardError + 0.02 * truth,
        "\(scores.mean) for \(truth), error \(scores.standardError)")
      #expect(scores.coverage >= 0.93, "\(scores.coverage)")
      #expect(scores.width / Double(scores.count) < 0.5, "an interval that says something")
    }
  }

  @Test func weightingMatters() {
    // The uncertain are sampled far more often: counting labels without weights is far off.
    let population = Population(count: 20_000, unsafeShare: 0.2, seed: 3, randomRate: 0.05)
    var generator = SeededGenerator(seed: 5)
    let chosen = population.exchanges.filter {
      Double.random(in: 0..<1, using: &generator) < $0.probability
    }
    let unsafe = chosen.filter(\.isUnsafe)
    let naive = Double(unsafe.filter(\.cell.isFlagged).count) / Double(unsafe.count)
    let estimate = population.estimates(using: &generator).recall?.value ?? 0
    #expect(abs(estimate - population.recall) < 0.05)
    #expect(abs(naive - population.recall) > 0.05, "\(naive) for \(population.recall)")
  }

  @Test func withEveryExchangeLabelledTheTruthIsKnownExactly() throws {
    let population = Population(count: 500, unsafeShare: 0.3, seed: 1, randomRate: 1)
    var generator = SeededGenerator(seed: 2)
    let recall = try #require(population.estimates(using: &generator).recall)
    #expect(abs(recall.value - population.recall) < 1e-12)
    #expect(recall.upper - recall.lower < 1e-9)
  }

  @Test func aSampleWithoutAnyMissSaysHowManyThereCouldBe() throws {
    var estimator = LiveEstimator(windowMilliseconds: 60_000)
    let flagged = LiveEstimator.Cell(isFlagged: true, strata: [.random])
    let passed = LiveEstimator.Cell(isFlagged: false, strata: [.random])
    for index in 0..<2_000 {
      let cell = index < 200 ? flagged : passed
      estimator.judged(cell, atMilliseconds: 0)
      if index % 10 == 0 {
        estimator.labelled(
          cell, atMilliseconds: 0, inclusionProbability: 0.1, isUnsafe: index < 200)
      }
    }
    let recall = try #require(estimator.estimates(nowMilliseconds: 0).recall)
    #expect(recall.value == 1 && recall.upper == 1)
    #expect((0.7..<0.99).contains(recall.lower), "\(recall.lower)")
  }

  @Test func nothingIsSaidWithoutLabels() {
    var estimator = LiveEstimator(windowMilliseconds: 60_000)
    #expect(estimator.estimates(nowMilliseconds: 0).recall == nil)
    let flagged = LiveEstimator.Cell(isFlagged: true, strata: [.random])
    let passed = LiveEstimator.Cell(isFlagged: false, strata: [.random])
    estimator.judged(flagged, atMilliseconds: 0)
    estimator.judged(passed, atMilliseconds: 0)
    estimator.labelled(flagged, atMilliseconds: 0, inclusionProbability: 0.5, isUnsafe: true)
    let estimates = estimator.estimates(nowMilliseconds: 0)
    #expect(estimates.recall == nil, "nobody knows what passed")
    #expect(estimates.judged == 2 && estimates.labels == 1)
  }

  @Test func theWindowMovesOn() {
    var estimator = LiveEstimator(windowMilliseconds: 60_000)
    let cell = LiveEstimator.Cell(isFlagged: true, strata: [.random])
    for second in 0..<200 {
      estimator.judged(cell, atMilliseconds: Int64(second) * 1_000)
    }
    #expect(estimator.estimates(nowMilliseconds: 199_000).judged == 60)
    estimator.labelled(cell, atMilliseconds: 0, inclusionProbability: 1, isUnsafe: true)
    #expect(estimator.estimates(nowMilliseconds: 199_000).labels == 0, "too late to count")
    #expect(estimator.estimates(nowMilliseconds: 900_000).judged == 0)
  }
}
