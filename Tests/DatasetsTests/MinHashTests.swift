import Datasets
import TestSupport
import Testing

@Suite struct MinHashTests {
  /// The exact Jaccard similarity of two sets of runs of five characters.
  private func jaccard(_ left: String, _ right: String) -> Double {
    func shingles(_ text: String) -> Set<String> {
      let scalars = Array(text)
      return Set((0...(scalars.count - 5)).map { String(scalars[$0..<$0 + 5]) })
    }
    let (left, right) = (shingles(left), shingles(right))
    return Double(left.intersection(right).count) / Double(left.union(right).count)
  }

  private func words(_ count: Int, _ generator: inout SeededGenerator) -> [String] {
    (0..<count).map { _ in
      String(UInt32.random(in: 1 << 30 ... .max, using: &generator), radix: 36)
    }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func theEstimateIsNearTheTruth(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let left = words(60, &generator)
    var right = left
    for index in 0..<Int(seed) * 4 { right[index] = words(1, &generator)[0] }
    let texts = (left.joined(separator: " "), right.joined(separator: " "))
    let estimate = MinHash(texts.0).similarity(to: MinHash(texts.1))
    // Four standard errors.
    #expect(abs(estimate - jaccard(texts.0, texts.1)) < 0.18, "seed \(seed)")
  }

  @Test(arguments: [
    ("How do I bake bread?", "how do i bake  BREAD!!"), ("", "…?!"), ("a", "A"),
    ("Grüße, Welt", "GRÜSSE... welt".replacing("SS", with: "ß")),
  ])
  func caseSpaceAndMarksDoNotCount(left: String, right: String) {
    #expect(MinHash(left) == MinHash(right))
  }

  @Test func differentTextsHaveLittleInCommon() {
    let left = MinHash("How do I bake bread with a sourdough starter?")
    let right = MinHash("Which train goes from Lisbon to Porto on Sundays?")
    #expect(left.similarity(to: right) < 0.15)
    #expect(MinHash("a").similarity(to: MinHash("b")) < 0.1)
    #expect(MinHash("").similarity(to: MinHash("a")) < 0.1)
  }

  /// What is stored must be found again by later versions.
  @Test func summariesNeverChange() {
    let summary = MinHash("How do I bake bread?")
    #expect(summary.values.prefix(3) == [8_944_935, 16_499_203, 319_718_314])
    #expect(summary.bands.count == MinHash.bandCount)
    #expect(summary.bands.first == 1_213_414_286_209_477_263)
  }

  @Test func promptAndResponseBothCount() {
    let prompt = "How do I bake bread with a sourdough starter?"
    let alone = MinHash(prompt: prompt, response: nil)
    #expect(alone == MinHash(prompt))
    let answered = MinHash(prompt: prompt, response: "Mix flour, water and salt, then wait.")
    #expect((0.2..<0.9).contains(answered.similarity(to: alone)))
  }
}

@Suite struct NearDuplicateIndexTests {
  private let sentences = [
    "How do I bake bread with a sourdough starter at home?",
    "Which train goes from Lisbon to Porto on Sundays?",
    "How do I bake bread with a sourdough starter at home today?",
  ]

  @Test func theNearestTextIsFound() throws {
    var index = NearDuplicateIndex(threshold: 0.7)
    #expect(index.nearest(to: MinHash(sentences[0])) == nil)
    for sentence in sentences { index.insert(MinHash(sentence)) }
    #expect(index.count == 3)
    for (number, sentence) in sentences.enumerated() {
      let nearest = try #require(index.nearest(to: MinHash(sentence)))
      #expect(nearest.number == number)
      #expect(nearest.similarity == 1)
    }
    let changed = try #require(
      index.nearest(to: MinHash("How do I bake bread with a sourdough starter at work?")))
    #expect(changed.number == 0)
    #expect(changed.similarity < 1)
    #expect(index.nearest(to: MinHash("An entirely different question about the moon")) == nil)
  }

  @Test func aThresholdOfOneFindsEqualTextsOnly() {
    var index = NearDuplicateIndex(threshold: 1)
    index.insert(MinHash(sentences[0]))
    #expect(index.nearest(to: MinHash(sentences[0].uppercased())) != nil)
    #expect(index.nearest(to: MinHash(sentences[2])) == nil)
  }

  @Test(arguments: 1...3 as ClosedRange<UInt64>)
  func itOverlooksAlmostNothingAndInventsNothing(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let texts = (0..<300).map { _ in
      (0..<12).map { _ in String(UInt32.random(in: .min ... .max, using: &generator), radix: 36) }
        .joined(separator: " ")
    }
    var index = NearDuplicateIndex(threshold: 0.7)
    for text in texts { index.insert(MinHash(text)) }
    for (number, text) in texts.enumerated() {
      #expect(index.nearest(to: MinHash(text + " x"))?.number == number, "seed \(seed)")
      #expect(index.nearest(to: MinHash(String(text.reversed()))) == nil, "seed \(seed)")
    }
  }
}
