import Foundation
import Metrics
import TestSupport
import Testing

/// What scikit-learn and SciPy make of scores, as `make_metrics_fixture.py` wrote it.
struct MetricsFixture: Decodable {
  struct Case: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let scores: [Double]
    let labels: [Int]
    let weights: [Double]?
    let f1: Double?
    let auprc: Double?
    let auroc: Double?
    let precision: Double?
    let recall: Double?
    let falsePositiveRate: Double?
    let expectedCalibrationError: Double?
    let recallAtRates: [Double]?
    let temperature: Double?

    var isUnsafe: [Bool] { labels.map { $0 == 1 } }
    var testDescription: String { name }

    func ranked() throws -> RankedScores {
      try RankedScores(scores: scores, isUnsafe: isUnsafe, weights: weights)
    }
  }

  let rates: [Double]
  let cases: [Case]

  static func load() throws -> MetricsFixture {
    let data = try Data(contentsOf: SourceTree.url("Tests/Fixtures/metrics.json"))
    return try JSONDecoder().decode(MetricsFixture.self, from: data)
  }
}

/// Rows whose scores tell their classes apart now and then, from a seed.
func randomRows(
  _ count: Int, seed: UInt64, levels: Double? = nil
) -> (scores: [Double], isUnsafe: [Bool]) {
  var generator = SeededGenerator(seed: seed)
  var rows: (scores: [Double], isUnsafe: [Bool]) = ([], [])
  for row in 0..<count {
    let isUnsafe = row == 0 ? true : row == 1 ? false : generator.oneIn(3)
    let noise = Double.random(in: 0...0.7, using: &generator)
    let score = noise + (isUnsafe ? 0.3 : 0)
    rows.scores.append(levels.map { (score * $0).rounded() / $0 } ?? score)
    rows.isUnsafe.append(isUnsafe)
  }
  return rows
}
