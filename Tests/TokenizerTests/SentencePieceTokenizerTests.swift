import Foundation
import TestSupport
import Testing
import Tokenizer

@Suite struct SentencePieceTokenizerTests {
  private let tokenizer: SentencePieceTokenizer

  init() throws {
    tokenizer = try SentencePieceTokenizer(folder: GoldenCase.url("v3-style").path)
  }

  @Test(arguments: GoldenCase.folders)
  func idsEqualTheReference(folder: String) throws {
    let tokenizer = try SentencePieceTokenizer(folder: GoldenCase.url(folder).path)
    let encoder = SequenceEncoder(
      tokenizer: tokenizer, windowTokens: try #require(tokenizer.lengthMax), overlapTokens: 0,
      windowsMax: 1)
    for golden in try GoldenCase.load(folder) {
      let sequence = encoder.truncatedSequence(
        encoder.pieces(of: golden.prompt), golden.response.map { encoder.pieces(of: $0) })
      #expect(sequence.ids == golden.token_ids, "\(golden.id)")
    }
  }

  /// Texts of every kind of character, with ids by the Python package sentencepiece.
  @Test func anyUnicodeTextEqualsTheReference() throws {
    struct Row: Decodable {
      let text: String
      let ids: [Int32]
    }
    let data = try Data(contentsOf: SourceTree.url("Tests/Fixtures/tokenizer.json"))
    let rows = try JSONDecoder().decode([Row].self, from: data)
    #expect(rows.count >= 300)
    for (index, row) in rows.enumerated() {
      #expect(tokenizer.encode(row.text) == row.ids, "row \(index)")
    }
  }

  @Test(arguments: [
    "[SEP]", "[CLS]", "[PAD]", "[MASK]", "a [SEP] b", "[SEP][SEP]", "▁[CLS]", "\0[SEP]",
  ])
  func textNeverBecomesAControlToken(text: String) {
    let ids = tokenizer.encode(text)
    #expect(!ids.isEmpty)
    #expect(ids.allSatisfy { $0 > 3 || $0 == 3 && text.contains("\0") }, "\(ids)")
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func idsOfRandomTextAreInTheVocabulary(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var text = ""
    for _ in 0..<Int.random(in: 0...300, using: &random) {
      let number = UInt32.random(in: 0...0x10FFFF, using: &random)
      text.unicodeScalars.append(Unicode.Scalar(number) ?? "x")
    }
    let ids = tokenizer.encode(text)
    #expect(ids.allSatisfy { $0 >= 3 && $0 < tokenizer.pieceCount }, "seed \(seed)")
  }

  @Test func manyThreadsMayEncodeAtOnce() async {
    let tokenizer = tokenizer
    let expected = tokenizer.encode("The quick brown fox jumps over the lazy dog.")
    let results = await withTaskGroup(of: [[Int32]].self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<200).map { _ in
            tokenizer.encode("The quick brown fox jumps over the lazy dog.")
          }
        }
      }
      return await group.reduce(into: []) { $0 += $1 }
    }
    #expect(results.allSatisfy { $0 == expected })
  }

  @Test(arguments: [
    ("spm.model", "no model", "spm.model: is no SentencePiece model"),
    ("spm.model", "", "spm.model: is no SentencePiece model"),
    ("tokenizer_config.json", "{", "tokenizer_config.json: is no JSON"),
    ("tokenizer_config.json", #"{"vocab_type": "gpt2"}"#, "vocab_type = gpt2"),
  ])
  func aBrokenFileIsNamed(file: String, contents: String, message: String) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let good = GoldenCase.url("v3-style")
    for name in ["spm.model", "tokenizer_config.json"] {
      let data = try Data(contentsOf: good.appending(path: name))
      try data.write(to: folder.appending(path: name))
    }
    try Data(contents.utf8).write(to: folder.appending(path: file))
    let error = #expect(throws: TokenizerError.self) {
      try SentencePieceTokenizer(folder: folder.path)
    }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  @Test(arguments: [("1e30", nil), ("512", 512), ("0", nil), ("-5", nil), ("null", nil)])
  func aLengthThatMeansNoneIsNone(json: String, length: Int?) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let model = GoldenCase.url("v3-style").appending(path: "spm.model")
    try Data(contentsOf: model).write(to: folder.appending(path: "spm.model"))
    try Data(#"{"model_max_length": \#(json)}"#.utf8).write(
      to: folder.appending(path: "tokenizer_config.json"))
    #expect(try SentencePieceTokenizer(folder: folder.path).lengthMax == length)
  }
}
