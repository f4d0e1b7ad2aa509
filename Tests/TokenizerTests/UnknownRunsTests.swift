import TestSupport
import Testing
import Tokenizer

/// Long texts are encoded in parts; that must not show.
@Suite struct UnknownRunsTests {
  private let tokenizer: SentencePieceTokenizer

  init() throws {
    tokenizer = try SentencePieceTokenizer(folder: GoldenCase.url("v3-style").path)
  }

  /// The library makes one id of a run, however long it is.
  @Test(arguments: ["😀", "\u{10FFFD}", "\u{A000}\u{12000}", "a😀", "😀 ", "x"], [8_000, 30_000])
  func aLongRunIsEncodedLikeAShortOne(unit: String, count: Int) {
    let long = String(repeating: unit, count: count)
    let short = tokenizer.encode("Hello " + String(repeating: unit, count: 3) + " world")
    let ids = tokenizer.encode("Hello " + long + " world")
    #expect(ids.prefix(2) == short.prefix(2))
    #expect(ids.suffix(1) == short.suffix(1))
    if Set(unit.unicodeScalars).isDisjoint(with: ["a", "x", " "]) { #expect(ids == short) }
  }

  /// What the library says of a whole text is what it says of its lines, one by one: no piece
  /// reaches over white space. Runs and their ends fall on every place relative to the parts.
  @Test(arguments: 0..<30 as Range<UInt64>)
  func wordsBetweenRunsAreThoseOfShortTexts(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var words: [String] = []
    var bytes = 0
    while bytes < 50_000 {
      let word =
        Bool.random(using: &random)
        ? String(repeating: "😀", count: Int.random(in: 1...6000, using: &random))
        : String(repeating: "word", count: Int.random(in: 1...50, using: &random))
      bytes += word.utf8.count
      words.append(word)
    }
    // Two runs with white space between them stay two: the space is a piece.
    let expected = words.flatMap { word in
      word.first == "😀" ? tokenizer.encode("😀") : tokenizer.encode(word)
    }
    #expect(tokenizer.encode(words.joined(separator: " ")) == expected, "seed \(seed)")
  }
}
