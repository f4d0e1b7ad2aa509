import Metrics
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func bootstrapReplicates() throws {
    let rows = try RankedScores(
      scores: (0..<60).map { Double($0 * 37 % 60) / 60 }, isUnsafe: (0..<60).map { $0 % 3 == 0 })
    let values = Bootstrap(replicates: 4, seed: 11).measure(rows, threshold: 0.5, stream: 3)
    #expect(values.defined(.auroc) == [0.60875, 0.4975, 0.425, 0.575])
    #expect(values.defined(.f1) == [0.5172413793103449, 0.2857142857142857, 0.36, 0.44])
    let large = Bootstrap(replicates: 3, seed: .max).measure(rows, threshold: 0.5, stream: .max)
    #expect(large.defined(.auroc) == [0.53125, 0.61125, 0.53625])
  }
}
