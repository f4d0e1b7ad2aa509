import Evaluation
import Metrics
import Records
import Testing

@Suite struct SetReportTests {
  private let options = MeasurementOptions(bootstrap: Bootstrap(replicates: 60, seed: 3))

  @Test func slicesHoldEveryRowOnce() throws {
    let report = try SetReport(
      sampleSet("a", 300, seed: 1, sources: 3), options: options, index: 0)
    for slices in [report.sources, report.lengths] {
      #expect(slices.reduce(0) { $0 + $1.measurement.rows } == 300)
      #expect(
        slices.reduce(0) { $0 + $1.measurement.positives } == report.measurement.positives)
    }
    #expect(report.sources.map(\.name) == ["source-0", "source-1", "source-2"])
    #expect(
      report.lengths.map(\.name)
        == ["1–32", "33–64", "65–128", "129–256", "257–512", "513 or more"])
    #expect(report.windowedRows == 150)
  }

  @Test func oneSourceNeedsNoSlices() throws {
    let report = try SetReport(sampleSet("a", 20, seed: 1), options: options, index: 0)
    #expect(report.sources.isEmpty)
  }

  @Test func sourcesBeyondTheLimitShareASlice() throws {
    let report = try SetReport(
      sampleSet("a", 200, seed: 1, sources: 60), options: options, index: 0)
    #expect(report.sources.count == SetReport.sourcesMax + 1)
    #expect(report.sources.last?.name == "all other sources")
    #expect(report.sources.reduce(0) { $0 + $1.measurement.rows } == 200)
  }

  private func row(_ probabilities: [Float], isUnsafe: Bool, _ categories: [String]? = nil)
    -> ScoredRow
  {
    let scheme = CategoryScheme(
      names: ["ok", "violence", "spam"], unsafe: [1, 2], areExclusive: false)
    return ScoredRow(
      margin: 0, score: 0.5, isUnsafe: isUnsafe,
      categories: CategoryScores(scheme: scheme, probabilities: probabilities),
      trueCategories: categories)
  }

  @Test func categoriesAreMeasuredAgainstUnsafeRows() throws {
    let rows = [
      row([0, 0.9, 0.1], isUnsafe: true), row([0, 0.2, 0.8], isUnsafe: true),
      row([0, 0.7, 0.1], isUnsafe: false), row([0, 0.1, 0.2], isUnsafe: false),
    ]
    let report = try SetReport(ScoredSet(name: "a", rows: rows), options: options, index: 0)
    #expect(report.categories.map(\.name) == ["violence", "spam"])
    #expect(report.categories.map(\.flagged) == [2, 1])
    #expect(report.categories.allSatisfy { !$0.hasTruth && $0.measurement.positives == 2 })
    #expect(report.categories[0].measurement.values[.recall] == 0.5)
    #expect(report.categories[0].measurement.values[.falsePositiveRate] == 0.5)
    #expect(report.categories[1].measurement.values[.precision] == 1)
    #expect(report.categories[1].measurement.values[.auroc] == 0.625)
  }

  /// Rows that say which categories they belong to are what these are measured by, the others are
  /// left out.
  @Test func categoriesAreMeasuredByTheirOwnTruth() throws {
    let rows = [
      row([0, 0.9, 0.1], isUnsafe: true, ["violence"]),
      row([0, 0.7, 0.8], isUnsafe: true, ["spam", "gore"]),
      row([0, 0.1, 0.2], isUnsafe: false, []),
      row([0, 0.9, 0.9], isUnsafe: false),
    ]
    let report = try SetReport(ScoredSet(name: "a", rows: rows), options: options, index: 0)
    let violence = report.categories[0]
    #expect(violence.hasTruth && violence.measurement.rows == 3)
    #expect(violence.measurement.positives == 1 && violence.flagged == 2)
    #expect(violence.measurement.values[.precision] == 0.5)
    #expect(report.categories[1].measurement.values[.f1] == 1)
  }

  @Test func aSliceOfOneClassHasNoRanking() throws {
    let rows = [0.2, 0.7].map {
      ScoredRow(margin: logit($0), score: $0, isUnsafe: false, tokens: 5)
    }
    let report = try SetReport(ScoredSet(name: "a", rows: rows), options: options, index: 0)
    #expect(report.measurement.values[.f1] == nil)
    #expect(report.measurement.values[.auprc] == nil)
    #expect(report.measurement.intervals[.auroc] == nil)
    #expect(report.measurement.values[.falsePositiveRate] == 0.5)
  }

  @Test func scoresThatAreNoNumbersAreRefused() {
    let row = ScoredRow(margin: 0, score: .nan, isUnsafe: true)
    let error = #expect(throws: EvaluationFailure.self) {
      try SetReport(ScoredSet(name: "set", rows: [row]), options: options, index: 0)
    }
    #expect(error?.description == "set: the score of row 1 is not a probability")
  }

  @Test func modelsMeasuredOnTheSameRowsCompare() throws {
    let sets = try [sampleSet("a", 150, seed: 1, skill: 0.3), sampleSet("b", 90, seed: 2)]
      .enumerated().map { try SetReport($1, options: options, index: $0) }
    let weaker = try [sampleSet("a", 150, seed: 1, skill: 0.05), sampleSet("b", 90, seed: 2)]
      .enumerated().map { try SetReport($1, options: options, index: $0) }
    let comparison = try ModelComparison(of: sets, with: "old@1", weaker)
    let first = try #require(comparison.differences[0][.auroc])
    let second = try #require(comparison.differences[1][.auroc])
    let average = try #require(comparison.averageDifferences[.auroc])
    #expect(first.difference > 0.1 && first.pValue == 1.0 / 61)
    #expect(second.difference == 0 && second.pValue == 1)
    #expect(abs(average.difference - first.difference / 2) < 1e-12)
  }

  @Test func otherRowsDoNotCompare() throws {
    let one = try SetReport(sampleSet("a", 50, seed: 1), options: options, index: 0)
    let other = try SetReport(sampleSet("a", 50, seed: 9), options: options, index: 0)
    #expect(throws: EvaluationFailure.self) { try ModelComparison(of: [one], with: "x", [other]) }
    #expect(throws: EvaluationFailure.self) { try ModelComparison(of: [one], with: "x", []) }
  }
}
