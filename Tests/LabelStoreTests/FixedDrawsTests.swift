import Basics
import LabelStore
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func splitsOfContents() {
    let shares = SplitShares(validation: 0.2, test: 0.3)
    let splits = (0..<24).map {
      shares.split(of: ContentDigest(prompt: "prompt \($0)", response: nil)).rawValue
    }
    #expect(splits == [2, 2, 1, 0, 0, 0, 0, 0, 2, 1, 0, 0, 1, 1, 0, 1, 2, 1, 0, 1, 0, 0, 0, 2])
    #expect(ContentDigest(prompt: "prompt", response: "response").fraction == 0.541852934320546)
  }
}
