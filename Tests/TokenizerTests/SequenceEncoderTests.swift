import Basics
import TestSupport
import Testing
import Tokenizer

@Suite struct SequenceEncoderTests {
  private let tokenizer: SentencePieceTokenizer

  init() throws {
    tokenizer = try SentencePieceTokenizer(folder: GoldenCase.url("v3-style").path)
  }

  private func encoder(_ window: Int, overlap: Int, windowsMax: Int = .max) -> SequenceEncoder {
    SequenceEncoder(
      tokenizer: tokenizer, windowTokens: window, overlapTokens: overlap, windowsMax: windowsMax)
  }

  /// Pieces that tell their position: from 100 up for prompts, from 100,000 up for responses.
  private func prompt(_ count: Int) -> [Int32] { (0..<Int32(count)).map { $0 + 100 } }
  private func response(_ count: Int) -> [Int32] { (0..<Int32(count)).map { $0 + 100_000 } }

  @Test(arguments: [0, 1, 6, 7])
  func aTextThatFitsIsOneSequence(count: Int) throws {
    let encoder = encoder(10, overlap: 2)
    #expect(
      try encoder.promptSequences(prompt(count)) == [TokenSequence([1] + prompt(count) + [2])])
    let pair = [1] + prompt(count) + [2] + response(7 - count) + [2]
    #expect(
      try encoder.pairSequences(prompt(count), response(7 - count))
        == [TokenSequence(pair, secondStart: count + 2)])
  }

  @Test func neighboursShareTheOverlap() throws {
    let sequences = try encoder(10, overlap: 3).promptSequences(prompt(13))
    #expect(
      sequences.map { Array($0.ids.dropFirst().dropLast()) } == [
        Array(prompt(13)[0..<8]), Array(prompt(13)[5..<13]),
      ])
  }

  @Test(arguments: 0..<300 as Range<UInt64>)
  func windowsCoverEveryPieceOnceOrMore(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let window = Int.random(in: SequenceEncoder.windowTokensMin...80, using: &random)
    let encoder = encoder(window, overlap: Int.random(in: 0...window / 2, using: &random))
    let prompt = prompt(Int.random(in: 0...300, using: &random))
    let response = response(Int.random(in: 1...300, using: &random))
    for sequences in [
      try encoder.promptSequences(prompt), try encoder.pairSequences(prompt, response),
    ] {
      #expect(sequences.allSatisfy { $0.count <= window }, "seed \(seed)")
      #expect(sequences.allSatisfy { $0.ids.first == 1 && $0.ids.last == 2 }, "seed \(seed)")
    }
    let alone = Set(try encoder.promptSequences(prompt).map(\.ids).joined())
    #expect(alone.isSuperset(of: prompt), "seed \(seed)")
    let together = Set(try encoder.pairSequences(prompt, response).map(\.ids).joined())
    #expect(together.isSuperset(of: prompt + response), "seed \(seed)")
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func eachPartOfAWindowIsContiguous(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let window = Int.random(in: SequenceEncoder.windowTokensMin...40, using: &random)
    let encoder = encoder(window, overlap: Int.random(in: 0...window / 2, using: &random))
    let prompt = prompt(Int.random(in: 0...100, using: &random))
    let response = response(Int.random(in: 1...100, using: &random))
    for sequence in try encoder.pairSequences(prompt, response) {
      let parts = sequence.ids.dropFirst().split(separator: 2, omittingEmptySubsequences: false)
      #expect(parts.count == 3, "seed \(seed): prompt, response, nothing")
      #expect(sequence.secondStart == parts[1].startIndex, "seed \(seed): as in every window")
      for part in parts {
        #expect(zip(part, part.dropFirst()).allSatisfy { $1 == $0 + 1 }, "seed \(seed)")
      }
    }
  }

  /// RoBERTa has two separators between the texts, in every window.
  @Test(arguments: 0..<50 as Range<UInt64>)
  func twoSeparatorsStandInEveryWindow(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let window = Int.random(in: SequenceEncoder.windowTokensMin...40, using: &random)
    let encoder = SequenceEncoder(
      tokenizer: try TokenizerFolder.load(TransformersTests.url("bpe-files").path),
      windowTokens: window, overlapTokens: window / 4, windowsMax: .max)
    let prompt = prompt(Int.random(in: 0...100, using: &random))
    let response = response(Int.random(in: 1...100, using: &random))
    let sequences = try encoder.pairSequences(prompt, response)
    for sequence in sequences + [encoder.truncatedSequence(prompt, response)] {
      let start = try #require(sequence.secondStart)
      #expect(sequence.count <= window && sequence.ids.first == 0, "seed \(seed)")
      #expect(sequence.ids[start - 2..<start] == [2, 2], "seed \(seed)")
      #expect(sequence.ids.count(where: { $0 == 2 }) == 3, "seed \(seed)")
    }
    let together = Set(sequences.map(\.ids).joined())
    #expect(together.isSuperset(of: prompt + response), "seed \(seed)")
  }

  @Test func tooManyWindowsAreRefusedNotCut() throws {
    let encoder = encoder(10, overlap: 0, windowsMax: 2)
    #expect(try encoder.promptSequences(prompt(16)).count == 2)
    #expect(throws: TooManyWindows(needed: 3, allowed: 2)) {
      try encoder.promptSequences(prompt(17))
    }
    #expect(throws: TooManyWindows.self) { try encoder.pairSequences(prompt(2), response(50)) }
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func truncationTakesFromTheLongerText(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let prompt = prompt(Int.random(in: 0...60, using: &random))
    let response = response(Int.random(in: 0...60, using: &random))
    let sequence = encoder(20, overlap: 0).truncatedSequence(prompt, response)
    #expect(sequence.count == min(20, prompt.count + response.count + 3), "seed \(seed)")
    let kept = sequence.ids.count(where: { $0 >= 100 && $0 < 100_000 })
    let keptResponse = sequence.ids.count(where: { $0 >= 100_000 })
    #expect(sequence.secondStart == kept + 2, "seed \(seed)")
    #expect(kept == prompt.count || kept >= keptResponse, "seed \(seed)")
    #expect(keptResponse == response.count || keptResponse >= kept - 1, "seed \(seed)")
  }
}
