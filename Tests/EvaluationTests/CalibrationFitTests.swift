import Evaluation
import Glibc
import Guard
import Metrics
import ModelRegistry
import TestSupport
import Testing

@Suite struct CalibrationFitTests {
  /// Rows whose margins are three times what their classes warrant.
  private func overconfident(_ count: Int, seed: UInt64) -> ScoredSet {
    var generator = SeededGenerator(seed: seed)
    let rows = (0..<count).map { _ in
      let margin = Double.random(in: -4...4, using: &generator)
      let isUnsafe = Double.random(in: 0...1, using: &generator) < 1 / (1 + exp(-margin))
      return ScoredRow(margin: 3 * margin, score: 0.5, isUnsafe: isUnsafe)
    }
    return ScoredSet(name: "held-out", rows: rows)
  }

  @Test(arguments: [UInt64](1...3))
  func theTemperatureOfTheDataIsFound(seed: UInt64) throws {
    let set = overconfident(8000, seed: seed)
    let fit = try CalibrationFit(set, falsePositiveRate: 0.05, digest: "d")
    #expect(abs(fit.calibration.temperature - 3) < 0.25, "seed \(seed)")
    #expect(try #require(fit.errorAfter) < 0.025, "seed \(seed)")
    #expect(try #require(fit.errorBefore) > 0.05, "seed \(seed)")
    #expect(fit.calibration.fittedOn == Calibration.FittedOn(rows: 8000, digest: "d"))
  }

  @Test(arguments: [0.01, 0.05, 0.2])
  func theThresholdKeepsItsRateOnTheDaemonsScores(rate: Double) throws {
    let set = overconfident(2000, seed: 7)
    let calibration = try CalibrationFit(set, falsePositiveRate: rate, digest: "").calibration
    let threshold = Float(try #require(calibration.threshold))
    let safe = set.rows.filter { !$0.isUnsafe }
    let flagged = safe.count { row in
      Calibration.score(margin: row.margin, temperature: calibration.temperature).rawValue
        >= threshold
    }
    let reached = Double(flagged) / Double(safe.count)
    #expect(reached <= rate && reached > rate - 0.005)
  }

  @Test func oneClassCannotBeFitted() {
    let rows = [1.0, 2].map { ScoredRow(margin: $0, score: 0.5, isUnsafe: false) }
    let error = #expect(throws: EvaluationFailure.self) {
      try CalibrationFit(
        ScoredSet(name: "held-out", rows: rows), falsePositiveRate: 0.05, digest: "")
    }
    #expect(error?.description == "held-out: a fit needs rows of both classes")
  }
}
