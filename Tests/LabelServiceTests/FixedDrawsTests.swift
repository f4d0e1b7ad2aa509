import LabelService
import Records
import Settings
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func offsetsThatAreChosen() {
    let sampler = Sampler(
      plan: SamplingPlan(randomRate: 0.05, uncertaintyRate: 0.1, seed: 12_345))
    let near = JudgedFeatures(score: Score(0.55), threshold: 0.5)
    let chosen = (0..<100).filter { offset in
      let position = SourcePosition(topic: "in", partition: 3, offset: Int64(offset))
      return sampler.select(position, near) != nil
    }
    #expect(chosen == [5, 17, 21, 36, 52, 55, 57, 60, 63, 80, 84, 85, 86])
  }
}
