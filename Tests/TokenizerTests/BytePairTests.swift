import Foundation
import TestSupport
import Testing
import Tokenizer

/// Byte-level BPE: how words and pieces are found, and what is refused.
@Suite struct BytePairTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ name: String, _ contents: String) throws {
    try Data(contents.utf8).write(to: URL(filePath: directory.path).appending(path: name))
  }

  private func load() throws -> any TextTokenizer { try TokenizerFolder.load(directory.path) }

  /// A byte as vocabularies spell it.
  private static func spelling(of byte: UInt8) -> String {
    let visible = [0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF] as [ClosedRange<UInt8>]
    let isVisible = visible.contains { $0.contains(byte) }
    let hidden = (0..<byte).count { byte in !visible.contains { $0.contains(byte) } }
    let value = isVisible ? UInt32(byte) : 0x100 + UInt32(hidden)
    return Unicode.Scalar(value).map { String($0) } ?? ""
  }

  private static let controls = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]

  /// Ids: the control tokens, then all bytes, then what merges make.
  private static func pieces(_ merges: [String], _ more: [String] = []) -> [String] {
    controls + (UInt8.min...UInt8.max).map(spelling)
      + merges.map { $0.replacing(" ", with: "") } + more
  }

  private static func vocabulary(_ pieces: [String]) throws -> String {
    let ids = Dictionary(
      pieces.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    return String(decoding: try JSONEncoder().encode(ids), as: UTF8.self)
  }

  private func document(
    _ merges: [String], more: [String] = [], pieces: [String]? = nil, model: String = "",
    words: String = #"{"type": "ByteLevel"}"#, mergeList: String? = nil
  ) throws -> String {
    let list = merges.map { #""\#($0)""# }.joined(separator: ",")
    return """
      {"added_tokens": [{"id": 4, "content": "<mask>", "special": true, "lstrip": true}],
       "pre_tokenizer": \(words),
       "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0]},
       "model": {"type": "BPE", "vocab": \(try Self.vocabulary(pieces ?? Self.pieces(merges, more))),
                 "merges": \(mergeList ?? "[\(list)]")\(model)}}
      """
  }

  /// The id of a byte.
  private func id(_ byte: Character) -> Int32 { 5 + Int32(byte.asciiValue ?? 0) }

  private func ids(_ text: String) -> [Int32] { text.map(id) }

  /// The earliest learnt pair is joined first, and of equal ones the leftmost; what became of a
  /// pair is joined on.
  @Test(arguments: [
    (["b c", "a b", "ab c"], "abc", [97, 256]),
    (["a b", "b c", "ab c"], "abc", [258]),
    (["a a"], "aaaaa", [256, 256, 97]),
    (["a a", "aa aa"], "aaaaaaa", [257, 256, 97]),
    (["a b", "ab ab", "b a"], "bababab", [98, 257, 256]),
    (["x y"], "abc", [97, 98, 99]),
  ])
  func pairsAreJoinedInTheOrderOfLearning(
    merges: [String], word: String, pieces: [Int32]
  ) throws {
    try write("tokenizer.json", document(merges))
    #expect(try load().encode(word) == pieces.map { $0 + 5 })
  }

  @Test func mergesMayBeSpelledAsPairs() throws {
    try write("tokenizer.json", document(["a b", "ab c"]))
    let expected = try load().encode("abc cab")
    let pairs = #"[["a", "b"], ["ab", "c"]]"#
    try write("tokenizer.json", document(["a b", "ab c"], mergeList: pairs))
    #expect(try load().encode("abc cab") == expected)
    #expect(expected.count == 4)
  }

  /// Typed text never becomes a control token, even where merges spell one, or where the token
  /// takes the space on its left along.
  @Test func mergesNeverMakeAControlToken() throws {
    let words = #"{"type": "ByteLevel", "use_regex": false}"#
    try write("tokenizer.json", document(["< s", "<s >", "< m"], words: words))
    #expect(try load().encode("<s>") == [261, id(">")])
    #expect(try load().encode("a <mask>") == [id("a"), id(" "), 263] + ids("ask>"))
  }

  /// A control token that is a byte's piece would leave texts with that byte without a spelling.
  @Test func everyByteHasAPiece() throws {
    try write("tokenizer.json", document([]))
    try write("tokenizer_config.json", #"{"pad_token": "!"}"#)
    let error = #expect(throws: TokenizerError.self) { try load() }
    #expect(
      error?.description
        == "tokenizer.json: has no piece for the byte 33 that text may become")
    try write("tokenizer_config.json", "{}")
    try write("tokenizer.json", document([], pieces: Array(Self.pieces([]).dropLast())))
    #expect(throws: TokenizerError.self) { try load() }
  }

  @Test func wordsAreThoseOfTheExpression() throws {
    // Each joins over a word's end, if anything does.
    try write(
      "tokenizer.json",
      document(["a \u{120}", "\u{120} b", "n '", "' t", "1 a", "\u{120} \u{120}", "e a"]))
    let tokenizer = try load()
    #expect(tokenizer.encode("a b") == [id("a"), 262])
    #expect(tokenizer.encode("n't") == [id("n"), 264])
    #expect(tokenizer.encode("'rea") == ids("'rea"), "a contraction is a word")
    #expect(tokenizer.encode("rea") == [id("r"), 267])
    #expect(tokenizer.encode("1a") == ids("1a"))
    #expect(tokenizer.encode("a   b") == [id("a"), 266, 262])
    #expect(tokenizer.encode("a  ") == [id("a"), 266])
    try write(
      "tokenizer.json", document(["1 a"], words: #"{"type": "ByteLevel", "use_regex": false}"#))
    #expect(try load().encode("1a") == [261])
  }

  /// As in transformers: what `tokenizer.json` says of it does not count.
  @Test(arguments: [(#"{"add_prefix_space": true}"#, true), ("{}", false)])
  func theConfigurationPutsASpaceInFront(json: String, isThere: Bool) throws {
    let words = #"{"type": "ByteLevel", "add_prefix_space": \#(!isThere)}"#
    try write("tokenizer.json", document([], words: words))
    try write("tokenizer_config.json", json)
    let tokenizer = try load()
    #expect(tokenizer.encode("a") == (isThere ? ids(" a") : ids("a")))
    #expect(tokenizer.encode(" a") == ids(" a"))
    #expect(tokenizer.encode("") == [])
  }

  @Test func theTwoFilesAreReadAsTransformersDoes() throws {
    try write("vocab.json", Self.vocabulary(Self.pieces(["a b", "b c"])))
    try write("merges.txt", "#version: 0.2\na b\nb c")
    let tokenizer = try load()
    #expect(tokenizer.beginID == 0 && tokenizer.separatorID == 2)
    #expect(tokenizer.pairSeparators == 2 && tokenizer.pieceCount == 263)
    #expect(tokenizer.encode("ab bc") == [261, id(" "), id("b"), id("c")], "the last is no line")
    try write("merges.txt", "#version: 0.2\na b\nb c\n")
    #expect(try load().encode("ab bc") == [261, id(" "), 262])
    for (merges, problem) in [
      ("#version: 0.2\na b\na\n", "merges.txt: line 3 is not two pieces"),
      ("#version: 0.2\n\na b\n", "merges.txt: line 2 is not two pieces"),
      ("#version: 0.2\na b c\n", "merges.txt: line 2 is not two pieces"),
      ("#version: 0.2\na z\n", "merges.txt: has no piece for a part or the whole of merge 0"),
    ] {
      try write("merges.txt", merges)
      let error = #expect(throws: TokenizerError.self) { try load() }
      #expect(error?.description == problem)
    }
    try write("tokenizer_config.json", #"{"tokenizer_class": "BartTokenizer"}"#)
    let error = #expect(throws: TokenizerError.self) { try load() }
    #expect(error?.description.contains("RobertaTokenizer only") == true)
  }

  @Test func whatIsNotComputedIsRefusedByName() throws {
    let split =
      #"{"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]}"#
    for (json, message) in [
      (try document([], words: split), "pre_tokenizer.pretokenizers[0] is of the type Split"),
      (try document([], words: #"{"type": "Whitespace"}"#), "pre_tokenizer is of the type White"),
      (try document([], model: #", "ignore_merges": true"#), "model.ignore_merges = true is not"),
      (try document([], model: #", "dropout": 0.1"#), "model.dropout is not supported"),
      (try document([], model: #", "end_of_word_suffix": "</w>""#), "model.end_of_word_suffix is"),
      (
        try document([], model: #", "continuing_subword_prefix": "@@""#),
        "model.continuing_subword_prefix is not supported"
      ),
      (try document([], mergeList: #"["a b", "a"]"#), "model.merges[1] is not two pieces"),
      (try document([], mergeList: #"[["a"]]"#), "model.merges[0] is not two pieces"),
      (try document([], mergeList: #"["a b"]"#), "has no piece for a part or the whole of merge 0"),
    ] {
      try write("tokenizer.json", json)
      let error = #expect(throws: TokenizerError.self, "\(message)") { try load() }
      let description = error?.description ?? ""
      #expect(description.hasPrefix("tokenizer.json: \(message)"), "\(description)")
    }
  }
}
