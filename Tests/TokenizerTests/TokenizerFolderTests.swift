import Foundation
import TestSupport
import Testing
import Tokenizer

/// Which files make a tokenizer, and what is refused.
@Suite struct TokenizerFolderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ name: String, _ contents: String) throws {
    try Data(contents.utf8).write(to: URL(filePath: directory.path).appending(path: name))
  }

  private func copy(_ name: String, from folder: String) throws {
    let data = try Data(contentsOf: TransformersTests.url(folder).appending(path: name))
    try data.write(to: URL(filePath: directory.path).appending(path: name))
  }

  private func load() throws -> any TextTokenizer { try TokenizerFolder.load(directory.path) }

  private static let vocabulary = [
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "é", "e", "A", "[", "]", "cls",
    "CLS", "中", "国", "##国",
  ]

  /// A small `tokenizer.json`, of which a test exchanges parts.
  private func document(
    normalizer: String = #"{"type": "BertNormalizer", "lowercase": true}"#,
    words: String = #"{"type": "BertPreTokenizer"}"#,
    processor: String = #"{"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]}"#,
    added: String = "[]",
    model: String? = nil
  ) -> String {
    let pieces = Self.vocabulary.enumerated().map { #""\#($1)": \#($0)"# }.joined(separator: ",")
    let model = model ?? #"{"type": "WordPiece", "unk_token": "[UNK]", "vocab": {\#(pieces)}}"#
    return """
      {"version": "1.0", "added_tokens": \(added), "normalizer": \(normalizer),
       "pre_tokenizer": \(words), "post_processor": \(processor), "model": \(model)}
      """
  }

  private static func unigram(_ more: String = "") -> String {
    let pieces = [("<u>", 0.0), ("\u{2581}", -3), ("a", -2), ("b", -2), ("\u{2581}ab", -1)]
      .map { #"["\#($0)", \#($1)]"# }.joined(separator: ",")
    return
      #"{"type": "Unigram", "unk_id": 0, "vocab": [\#(pieces), ["[CLS]", 0], ["[SEP]", 0]]\#(more)}"#
  }

  private static let metaspace = #"{"type": "Metaspace", "replacement": "\#u{2581}"}"#
  private static let ends =
    #"{"type": "BertProcessing", "sep": ["[SEP]", 6], "cls": ["[CLS]", 5]}"#

  @Test func tokenizerJSONComesFirstThenSentencePieceThenAVocabulary() throws {
    try copy("vocab.txt", from: "bert-uncased")
    let words = try load()
    #expect(words.beginID == 2 && words.separatorID == 3)
    try copy("spm.model", from: "spm-switches")
    #expect(try load() is SentencePieceTokenizer)
    try write("tokenizer.json", document())
    #expect(try load().pieceCount == Self.vocabulary.count)
  }

  @Test(arguments: ["tokenizer_config.json", "tokenizer.json", "spm.model", "vocab.txt"])
  func aPointerOfGitLFSIsSaidToBeOne(name: String) throws {
    if name == "tokenizer_config.json" { try copy("vocab.txt", from: "bert-uncased") }
    try write(
      name, "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 2464616\n")
    let error = #expect(throws: TokenizerError.self) { try load() }
    #expect(error?.file == name)
    #expect(error?.problem.contains("git lfs pull") == true)
  }

  @Test(arguments: [
    ("512", 512), (#""512""#, 512), ("5000", 5000), ("1000000000000000019884624838656", nil),
    ("0", nil), ("-1", nil), ("null", nil), (#""very long""#, nil),
  ])
  func aLengthMayBeWrittenInManyWays(text: String, length: Int?) throws {
    try copy("vocab.txt", from: "bert-uncased")
    try write("tokenizer_config.json", "\u{FEFF}{\"model_max_length\": \(text)}")
    #expect(try load().lengthMax == length)
  }

  @Test func aSwitchOfAnotherTypeIsNamed() throws {
    try copy("vocab.txt", from: "bert-uncased")
    try write("tokenizer_config.json", #"{"do_lower_case": "false"}"#)
    let error = #expect(throws: TokenizerError.self) { try load() }
    #expect(error?.description.hasSuffix("wrong type at do_lower_case") == true)
  }

  @Test func controlTokensThatSentencePieceLacksAreNamed() throws {
    let spm = GoldenCase.url("v3-style").appending(path: "spm.model")
    try Data(contentsOf: spm).write(to: URL(filePath: directory.path + "/spm.model"))
    try write("special_tokens_map.json", #"{"cls_token": "<a>", "sep_token": "<b>"}"#)
    let error = #expect(throws: TokenizerError.self) { try load() }
    #expect(error?.description.contains("<a> and <b>, which are this model's cls_token") == true)
  }

  @Test(arguments: [
    ("bert-added", "WordPiece", "tokenizer.json"), ("unigram-added", "Unigram", "tokenizer.json"),
    ("bert-uncased", "WordPiece", "vocab.txt"), ("spm-switches", "SentencePiece", "spm.model"),
  ])
  func whatReadsTextsIsTold(folder: String, kind: String, file: String) throws {
    let path = TransformersTests.url(folder).path
    let tokenizer = try TokenizerFolder.load(path)
    #expect(tokenizer.kind == kind)
    #expect(TokenizerFolder.file(in: path) == file)
    #expect((tokenizer.addedTokenCount > 0) == (folder != "bert-uncased"))
    #expect(TokenizerFolder.file(in: directory.path) == nil)
  }

  @Test func aFolderWithoutTokenizerIsRefused() throws {
    let error = #expect(throws: TokenizerError.self) { try load() }
    #expect(
      error?.description.hasPrefix(
        "tokenizer.json: is missing, as are spm.model, vocab.txt, and vocab.json with merges.txt: ")
        == true)
    try write("merges.txt", "a b\n")
    let other = #expect(throws: TokenizerError.self) { try load() }
    #expect(other?.description == "vocab.json: cannot be read")
  }

  @Test(arguments: [
    (#"{"do_lower_case": true}"#, "ÁB", [5, 7]),
    (#"{"do_lower_case": false}"#, "AÉ a", [1, 5]),
    (#"{"do_lower_case": false, "strip_accents": true}"#, "A a\u{301}", [10, 5]),
    (#"{"do_lower_case": true, "strip_accents": false}"#, "É e\u{301}", [8, 1]),
    (#"{"tokenize_chinese_chars": true}"#, "中国", [15, 16]),
    (#"{"tokenize_chinese_chars": false}"#, "中国", [15, 17]),
  ])
  func switchesOfTheConfigurationCount(json: String, text: String, ids: [Int32]) throws {
    try write("vocab.txt", Self.vocabulary.joined(separator: "\r\n"))
    try write("tokenizer_config.json", json)
    #expect(try load().encode(text) == ids)
    try write("tokenizer.json", document())
    #expect(try load().encode(text) == ids, "the configuration overrules tokenizer.json")
  }

  /// Texts that are equal to Swift may be two pieces.
  @Test func piecesAreComparedByTheirBytes() throws {
    try write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\né\ne\u{301}\n")
    try write("tokenizer_config.json", #"{"do_lower_case": false}"#)
    #expect(try load().encode("é e\u{301}") == [3, 4])
  }

  @Test(arguments: TransformersTests.folders)
  func textNeverBecomesAControlToken(folder: String) throws {
    let tokenizer = try TokenizerFolder.load(TransformersTests.url(folder).path)
    for token in ["[CLS]", "[SEP]", "[PAD]", "[MASK]", "<s>", "</s>"] {
      for text in [token, "a \(token) b", token + token, "\u{2581}\(token)"] {
        let ids = tokenizer.encode(text)
        #expect(!ids.contains(tokenizer.beginID) && !ids.contains(tokenizer.separatorID))
        #expect(!ids.contains(0), "[PAD]")
        #expect(ids.count > 1, "\(text): spelled in pieces")
      }
    }
  }

  /// Whatever a model calls its control tokens, and however its pieces would match them.
  @Test func controlTokensOfOtherNamesAreExcluded() throws {
    try write("tokenizer.json", document())
    try write(
      "tokenizer_config.json", #"{"cls_token": "[CLS]", "pad_token": "A", "do_lower_case": false}"#)
    #expect(try load().encode("A a CLS") == [1, 5, 14])
  }

  @Test(arguments: [
    (
      #"[{"id": 18, "content": "<x>", "special": true, "normalized": false}]"#, "a<x>b", [5, 18, 6]
    ),
    (
      #"[{"id": 18, "content": "xy", "single_word": true, "normalized": false}]"#,
      "axy xy\u{301} xy", [1, 1, 18]
    ),
    (
      #"[{"id": 18, "content": "xy", "single_word": true, "normalized": false}]"#,
      "\u{3302A}xy", [1, 18]
    ),
    (#"[{"id": 18, "content": "QQ", "normalized": true}]"#, "aqQa", [5, 18, 5]),
    (
      #"[{"id": 2, "content": "[CLS]", "special": true, "normalized": false}]"#, "[CLS]",
      [11, 13, 12]
    ),
  ])
  func addedTokensMatchAsTheySay(added: String, text: String, ids: [Int32]) throws {
    try write("tokenizer.json", document(added: added))
    #expect(try load().encode(text) == ids)
  }

  @Test func olderFilesNameAddedTokens() throws {
    try write("tokenizer.json", document())
    try write("added_tokens.json", #"{"<x>": 18, "[MASK]": 4, "<y>": 19}"#)
    try write(
      "special_tokens_map.json",
      #"{"mask_token": "[MASK]", "additional_special_tokens": ["<y>", {"content": "<z>"}]}"#)
    let tokenizer = try load()
    #expect(tokenizer.encode("<x>a<y><z>[MASK]").prefix(4) == [18, 5, 19, 20])
    #expect(tokenizer.pieceCount == 21)
    try write("added_tokens.json", #"{"<x>": 17}"#)
    let error = #expect(throws: TokenizerError.self) { try load() }
    #expect(error?.description == "tokenizer.json: added token 17 has the id 18 by its place")
  }

  @Test func refusalsNameFilePlaceAndKind() throws {
    let nested = #"{"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Nmt"}]}"#
    let regex = #"{"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"}"#
    let map = #"{"type": "Precompiled", "precompiled_charsmap": "AAAA"}"#
    let template =
      #"{"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}], "pair": []}"#
    for (json, message) in [
      (document(normalizer: nested), "normalizer.normalizers[1] is of the type Nmt"),
      (document(normalizer: regex), "normalizer.pattern is none of the regular expressions"),
      (document(normalizer: map), "normalizer.precompiled_charsmap is no table"),
      (document(normalizer: "[]"), "normalizer is an array where an object is expected"),
      (document(words: #"{"type": "ByteLevel"}"#), "pre_tokenizer is not supported with WordPiece"),
      (document(words: Self.metaspace), "pre_tokenizer is not supported with WordPiece"),
      (document(processor: template), "post_processor.single and pair are not"),
      (
        document(processor: #"{"type": "RobertaProcessing", "sep": ["</s>", 2]}"#),
        "post_processor.cls has no id"
      ),
      (
        document(processor: #"{"type": "Sequence", "processors": [{"type": "Split"}]}"#),
        "post_processor.processors[0] is of the type Split"
      ),
      (
        document(model: #"{"vocab": {}, "merges": []}"#),
        "pre_tokenizer is of the type BertPreTokenizer, which is not supported; with BPE"
      ),
      (document(model: #"{"type": "WordLevel"}"#), "model is of the type WordLevel"),
      (
        document(model: #"{"type": "WordPiece", "vocab": {"a": 0}}"#), "model.unk_token is no piece"
      ),
      (document(model: #"{"type": "WordPiece", "vocab": {"a": -1}}"#), "model.vocab has an id"),
      (document(model: Self.unigram()), "pre_tokenizer is of the type BertPreTokenizer"),
      (
        document(words: Self.metaspace, model: Self.unigram(#", "byte_fallback": true"#)),
        "model.byte_fallback = true is not supported"
      ),
      (
        document(
          words: #"{"type": "Metaspace", "prepend_scheme": "first"}"#, model: Self.unigram()),
        "pre_tokenizer.prepend_scheme = first is not supported"
      ),
      ("{", "JSON: "),
      (#"{"model": {}, "model": {}}"#, "has a name twice"),
      ("{}", "model is missing"),
    ] {
      try write("tokenizer.json", json)
      let error = #expect(throws: TokenizerError.self, "\(message)") { try load() }
      let description = error?.description ?? ""
      #expect(description.hasPrefix("tokenizer.json: \(message)"), "\(description)")
    }
  }

  @Test func unknownCharactersOfAWordAreOnePiece() throws {
    try write(
      "tokenizer.json",
      document(
        normalizer: "null", words: Self.metaspace, processor: Self.ends, model: Self.unigram()))
    let tokenizer = try load()
    #expect(tokenizer.encode("ab") == [4])
    #expect(tokenizer.encode("xyz ab[CLS]") == [1, 0, 4, 0])
    #expect(tokenizer.encode("axyb") == [1, 2, 0, 3])
  }
}
