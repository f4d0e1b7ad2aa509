import Evaluation
import Glibc
import Metrics
import TestSupport

/// Rows with scores that tell their classes apart now and then, from a seed.
func sampleSet(
  _ name: String, _ count: Int, seed: UInt64, sources: Int = 1, skill: Double = 0.3
) -> ScoredSet {
  var generator = SeededGenerator(seed: seed)
  let rows = (0..<count).map { row in
    let isUnsafe = row == 0 ? true : row == 1 ? false : generator.oneIn(3)
    let score = Double.random(in: 0.01...0.69, using: &generator) + (isUnsafe ? skill : 0)
    return ScoredRow(
      margin: logit(score), score: Double(Float(score)), isUnsafe: isUnsafe,
      source: "source-\(row % sources)", tokens: 1 + (row * 37) % 700, windows: 1 + row % 2)
  }
  return ScoredSet(name: name, rows: rows)
}

/// The margin whose probability this is.
func logit(_ probability: Double) -> Double { Glibc.log(probability / (1 - probability)) }
