import Basics
import Datasets
import Testing

/// Draws that outlive a run: stored data and resumed work depend on them, so they never change.
@Suite struct FixedDrawsTests {
  @Test func minHashOfATextAndItsBands() {
    let hash = MinHash("How do I bake bread? Ünïcode, 12 loaves.")
    #expect(
      Array(hash.values.prefix(6)) == [
        8944935, 16499203, 40562882, 138006653, 452043726, 159936011,
      ])
    #expect(
      Array(hash.bands.prefix(3)) == [
        13576233403394830651, 867407217736157504, 15915038688990405929,
      ])
    let bytes = hash.values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    #expect(
      ContentDigest(of: bytes).description
        == "f9ce705956abea25b9cffb20fccb183de83ae3023b9cf7bc6e0f711c829ad24a")
    #expect(Array(MinHash("").values.prefix(2)) == [.max, .max])
  }
}
