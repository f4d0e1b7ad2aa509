import Metrics
import Testing

@Suite struct BootstrapTests {
  private let bootstrap = Bootstrap(replicates: 400, seed: 11)

  private func ranked(_ count: Int, seed: UInt64, levels: Double? = nil) throws -> RankedScores {
    let rows = randomRows(count, seed: seed, levels: levels)
    return try RankedScores(scores: rows.scores, isUnsafe: rows.isUnsafe)
  }

  @Test func theSameSeedGivesTheSameReplicates() throws {
    let rows = try ranked(120, seed: 1)
    let one = bootstrap.measure(rows, threshold: 0.5, stream: 0)
    #expect(bootstrap.measure(rows, threshold: 0.5, stream: 0).intervals == one.intervals)
    #expect(bootstrap.measure(rows, threshold: 0.5, stream: 1).intervals != one.intervals)
    let other = Bootstrap(replicates: 400, seed: 12).measure(rows, threshold: 0.5, stream: 0)
    #expect(other.intervals != one.intervals)
  }

  /// A share's percentile interval is near the normal one: 1.96 standard errors on each side.
  @Test func intervalsHaveTheWidthThatTheoryGives() throws {
    let scores = (0..<400).map { $0 % 5 == 0 ? 0.9 : 0.1 } + [0.9]
    let isUnsafe = Array(repeating: false, count: 400) + [true]
    let rows = try RankedScores(scores: scores, isUnsafe: isUnsafe)
    let values = Bootstrap(replicates: 2000, seed: 5).measure(rows, threshold: 0.5, stream: 0)
    let interval = try #require(values.interval(of: .falsePositiveRate))
    let halfWidth = 1.96 * (0.2 * 0.8 / 400).squareRoot()
    #expect(abs(interval.low - (0.2 - halfWidth)) < 0.008)
    #expect(abs(interval.high - (0.2 + halfWidth)) < 0.008)
  }

  @Test func everyReplicateHasBothClasses() throws {
    let rows = try RankedScores(scores: [0.9, 0.1, 0.2], isUnsafe: [true, false, false])
    let values = bootstrap.measure(rows, threshold: 0.5, stream: 0)
    #expect(values.defined(.auroc).count == 400)
    #expect(values.interval(of: .auroc) == ConfidenceInterval(low: 1, high: 1))
  }

  @Test func whatReplicatesOftenLeaveUndefinedHasNoInterval() throws {
    // The only flagged row is missing from a third of the replicates.
    let rows = try RankedScores(scores: [0.9, 0.1, 0.2], isUnsafe: [true, true, false])
    let values = bootstrap.measure(rows, threshold: 0.5, stream: 0)
    #expect(values.defined(.precision).count < 380)
    #expect(values.interval(of: .precision) == nil)
  }

  @Test func withoutReplicatesThereIsNoInterval() throws {
    let rows = try ranked(20, seed: 1)
    let none = Bootstrap(replicates: 0, seed: 1).measure(rows, threshold: 0.5, stream: 0)
    #expect(none.intervals.isEmpty)
  }

  @Test func theMeanOverSetsIsTakenReplicateByReplicate() throws {
    let one = bootstrap.measure(try ranked(50, seed: 1), threshold: 0.5, stream: 0)
    let other = bootstrap.measure(try ranked(60, seed: 2), threshold: 0.5, stream: 1)
    let mean = ReplicateValues(meanOf: [one, other]).defined(.f1)
    let expected = zip(one.defined(.f1), other.defined(.f1)).map { ($0 + $1) / 2 }
    #expect(mean == expected)
    #expect(ReplicateValues(meanOf: []).intervals.isEmpty)
  }

  private func compare(
    _ challenger: RankedScores, _ baseline: RankedScores
  ) -> [Metric: PairedDifference] {
    func measured(_ rows: RankedScores) -> (values: [Metric: Double], replicates: ReplicateValues) {
      (rows.tally.values(threshold: 0.5), bootstrap.measure(rows, threshold: 0.5, stream: 3))
    }
    return PairedDifference.all(challenger: measured(challenger), baseline: measured(baseline))
  }

  @Test func aModelIsNotBetterThanItself() throws {
    let rows = try ranked(80, seed: 4)
    let differences = compare(rows, rows)
    #expect(differences.count == Metric.allCases.count)
    for (metric, difference) in differences {
      #expect(difference.difference == 0 && difference.pValue == 1, "\(metric)")
      #expect(difference.interval == ConfidenceInterval(low: 0, high: 0), "\(metric)")
    }
  }

  @Test func aBetterModelIsFoundOnTheSameRows() throws {
    let rows = randomRows(300, seed: 6)
    let noisy = try RankedScores(scores: rows.scores, isUnsafe: rows.isUnsafe)
    let sharper = try RankedScores(
      scores: zip(rows.scores, rows.isUnsafe).map { $0 * 0.7 + ($1 ? 0.3 : 0) },
      isUnsafe: rows.isUnsafe)
    let better = compare(sharper, noisy)
    for metric in [Metric.f1, .auprc, .auroc, .falsePositiveRate] {
      let difference = try #require(better[metric])
      let sign: Double = metric.isBetterWhenHigher ? 1 : -1
      #expect(sign * difference.difference > 0, "\(metric)")
      #expect(try #require(difference.pValue) < 0.01, "\(metric)")
      let worse = try #require(compare(noisy, sharper)[metric])
      #expect(worse.difference == -difference.difference)
      #expect(try #require(worse.pValue) > 0.99, "\(metric)")
    }
  }

  /// Pairing takes out what both models share: the interval of a small change is far narrower than
  /// those of the two values.
  @Test func pairingNarrowsTheInterval() throws {
    let rows = randomRows(300, seed: 8)
    let one = try RankedScores(scores: rows.scores, isUnsafe: rows.isUnsafe)
    var scores = rows.scores
    scores[0] = 0.01
    let other = try RankedScores(scores: scores, isUnsafe: rows.isUnsafe)
    let paired = try #require(compare(one, other)[.auprc]?.interval)
    let alone = try #require(
      bootstrap.measure(one, threshold: 0.5, stream: 3).interval(of: .auprc))
    #expect(paired.high - paired.low < (alone.high - alone.low) / 2)
  }
}
