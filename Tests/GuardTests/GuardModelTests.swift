import Basics
import Foundation
import Guard
import Pipeline
import Records
import Settings
import Tensors
import TestSupport
import Testing

@Suite struct GuardModelTests {
  private func load(_ folder: String, _ change: (inout ModelSettings) -> Void = { _ in }) throws
    -> GuardModel
  {
    var settings = ModelSettings(path: GoldenCase.url(folder).path)
    change(&settings)
    return try GuardModel(settings: settings, pool: WorkerPool(workers: 2))
  }

  /// Text to score, through tokenizer and engine together.
  @Test(arguments: GoldenCase.folders)
  func textsHaveTheReferencesScores(folder: String) throws {
    let model = try load(folder)
    for golden in try GoldenCase.load(folder) {
      let exchange = Exchange(prompt: golden.prompt, response: golden.response)
      let sequences = model.truncatedSequences(for: exchange)
      let ids = golden.response == nil ? sequences.prompt : sequences.response
      #expect(ids.map(\.ids) == [golden.token_ids], "\(golden.id)")
      let score = try model.scores(ids)[0]
      #expect(abs(Double(score.rawValue) - golden.p_unsafe) < 1e-5, "\(golden.id)")
    }
  }

  /// Names that do not tell: the settings say it, or the model's own file, and it makes another
  /// model of it.
  @Test func whatLabelsMeanCanBeSaid() throws {
    let copy = try TemporaryDirectory()
    let source = GoldenCase.url("v3-style").path
    for name in ["model.safetensors", "spm.model", "tokenizer_config.json"] {
      try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: "\(copy.path)/\(name)")
    }
    let text = try String(contentsOfFile: source + "/config.json", encoding: .utf8)
    let labels = #"{"id2label": {"0": "entailment", "1": "not_entailment"},"#
    try (labels + text.dropFirst()).write(
      toFile: copy.path + "/config.json", atomically: true, encoding: .utf8)
    let pool = WorkerPool(workers: 2)
    func load(_ unsafe: [String]) throws -> GuardModel {
      var settings = ModelSettings(path: copy.path)
      settings.unsafeLabels = unsafe
      return try GuardModel(settings: settings, pool: pool)
    }
    #expect {
      try load([])
    } throws: {
      "\($0)".contains("model.unsafe_label")
    }
    let sequences = try GoldenCase.load("v3-style").map { TokenSequence($0.token_ids) }
    let first = try load(["entailment"])
    let second = try load(["not_entailment"])
    #expect(first.hash != second.hash)
    for (one, other) in zip(try first.scores(sequences), try second.scores(sequences)) {
      #expect(abs(one.rawValue + other.rawValue - 1) < 1e-6)
    }
    try #"{"unsafe_labels": ["entailment"]}"#.write(
      toFile: copy.path + "/sluice.json", atomically: true, encoding: .utf8)
    #expect(try load([]).hash == first.hash)
    #expect(try load(["not_entailment"]).hash == second.hash, "the settings come first")
  }

  @Test func aModelMovedToOtherThreadsGivesTheSameScores() throws {
    let model = try load("v3-style")
    let sequences = try GoldenCase.load("v3-style").map { TokenSequence($0.token_ids) }
    let moved = GuardModel(model, pool: WorkerPool(workers: 3))
    #expect(moved.model == model.model)
    let (before, after) = (try model.scores(sequences), try moved.scores(sequences))
    for (one, other) in zip(before, after) {
      #expect(abs(one.rawValue - other.rawValue) < 1e-6)
    }
  }

  @Test func theHighestWindowCounts() throws {
    let model = try load("v3-style") { $0.windowTokens = 16 }
    let exchange = Exchange(
      prompt: "The quick brown fox jumps over the lazy dog and runs into the deep forest.",
      response: "Pack my box with five dozen liquor jugs before the night comes over us.")
    let sequences = try model.sequences(for: exchange)
    #expect(sequences.prompt.count > 1 && sequences.response.count > 1)
    let judgement = try model.judge([sequences])[0]
    // Products of other numbers of rows may round otherwise.
    for (score, windows) in [
      (judgement.promptScore, sequences.prompt), (judgement.responseScore, sequences.response),
    ] {
      let highest = try #require(try model.scores(windows).max())
      #expect(abs(try #require(score).rawValue - highest.rawValue) < 1e-6)
    }
    #expect(judgement.windows == max(sequences.prompt.count, sequences.response.count))
  }

  @Test func viewsCanBeDroppedButSomethingIsAlwaysJudged() throws {
    let both = Exchange(prompt: "a", response: "b")
    let alone = Exchange(prompt: "a", response: "")
    let promptOnly = try load("v3-style") { $0.views = [.prompt] }
    #expect(try promptOnly.sequences(for: both).response.isEmpty)
    let responseOnly = try load("v3-style") { $0.views = [.response] }
    #expect(try responseOnly.sequences(for: both).prompt.isEmpty)
    #expect(try responseOnly.sequences(for: alone).prompt.count == 1)
  }

  @Test func tooManyWindowsAreRefused() throws {
    let model = try load("v3-style") {
      $0.windowTokens = 16
      $0.windowsMax = 2
    }
    #expect(throws: TokenizationFailure.self) {
      try model.sequences(for: Exchange(prompt: String(repeating: "word ", count: 200)))
    }
  }

  @Test(arguments: [
    ("config.json", "config.json"), ("model.safetensors", "model.safetensors"),
    ("spm.model", "spm.model"),
  ])
  func aMissingFileIsNamed(file: String, message: String) throws {
    let directory = try TemporaryDirectory()
    for name in ["config.json", "model.safetensors", "spm.model", "tokenizer_config.json"]
    where name != file {
      let data = try Data(contentsOf: GoldenCase.url("v3-style").appending(path: name))
      try data.write(to: URL(filePath: directory.path).appending(path: name))
    }
    let error = #expect(throws: GuardModelFailure.self) {
      try GuardModel(settings: ModelSettings(path: directory.path), pool: WorkerPool(workers: 1))
    }
    #expect(error?.description.contains(message) == true, "\(String(describing: error))")
  }

  /// Whoever compares digests takes over tokens, so whatever changes them must change it.
  @Test func theDigestOfTheCutFollowsTokenizerWindowsAndViews() throws {
    let plain = try load("v3-style").cut
    #expect(try load("v3-style").cut == plain)
    #expect(try load("v3-style") { $0.windowTokens = 16 }.cut != plain)
    #expect(try load("v3-style") { $0.windowsMax = 3 }.cut != plain)
    #expect(try load("v3-style") { $0.views = [.prompt] }.cut != plain)
  }

  /// A model with the weights of a golden and the tokenizer of another fixture.
  private func folder(_ tokenizer: String) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let target = URL(filePath: directory.path)
    for name in ["config.json", "model.safetensors"] {
      let data = try Data(contentsOf: GoldenCase.url("v3-style").appending(path: name))
      try data.write(to: target.appending(path: name))
    }
    let source = SourceTree.url("Tests/Fixtures/tokenizers").appending(path: tokenizer)
    for name in try FileManager.default.contentsOfDirectory(atPath: source.path)
    where name != "cases.json" {
      try Data(contentsOf: source.appending(path: name)).write(to: target.appending(path: name))
    }
    return directory
  }

  @Test(arguments: [
    ("bert-uncased", [2, 3]), ("bert-added", [2, 3]), ("unigram", [1, 2]),
    ("spm-switches", [1, 2]), ("bpe-files", [0, 2]), ("bpe-added", [0, 2]),
    ("xlm-roberta", [0, 2]),
  ])
  func aModelTakesTheTokenizerOfItsFolder(tokenizer: String, ends: [Int32]) throws {
    let directory = try folder(tokenizer)
    let settings = ModelSettings(path: directory.path)
    let model = try GuardModel(settings: settings, pool: WorkerPool(workers: 1))
    let sequences = try model.sequences(for: Exchange(prompt: "the cat", response: "sat on it"))
    let pair = try #require(sequences.response.first)
    #expect(pair.ids.first == ends[0] && pair.ids.last == ends[1])
    #expect(pair.ids.count(where: { $0 == ends[1] }) == (ends[0] == 0 ? 3 : 2))
    let score = try #require(try model.judge([sequences])[0].responseScore)
    #expect(score.rawValue > 0 && score.rawValue < 1)
    let other = try folder(tokenizer)
    let copy = try GuardModel(
      settings: ModelSettings(path: other.path), pool: WorkerPool(workers: 1))
    #expect(copy.cut == model.cut, "wherever the folder is")
  }

  /// Hash and digest are in verdicts, so those of folders that there were before never change;
  /// and each file that now counts shows in both.
  @Test func hashAndDigestTakeInEveryFileOfTheTokenizer() throws {
    let golden = try load("v3-style")
    #expect(golden.hash == "1e49f558b46ce413")
    #expect(golden.cut == 0x4AB0CB75A9B11E51)
    let directory = try folder("bert-uncased")
    let settings = ModelSettings(path: directory.path)
    var seen: Set<String> = []
    var cuts: Set<UInt64> = []
    for (name, contents) in [
      ("tokenizer_config.json", #"{"do_lower_case": true}"#),
      ("tokenizer_config.json", #"{"do_lower_case": false}"#),
      ("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n"), ("special_tokens_map.json", "{}"),
      ("added_tokens.json", "{}"), ("added_tokens.json", #"{"<x>": 4}"#),
      ("tokenizer.json", ""),
    ] {
      let json = try String(
        contentsOf: SourceTree.url("Tests/Fixtures/tokenizers/bert-added/tokenizer.json"),
        encoding: .utf8)
      if name == "tokenizer.json" {
        try FileManager.default.removeItem(atPath: directory.path + "/added_tokens.json")
      }
      try Data((contents.isEmpty ? json : contents).utf8).write(
        to: URL(filePath: directory.path + "/" + name))
      let model = try GuardModel(settings: settings, pool: WorkerPool(workers: 1))
      #expect(seen.insert(model.hash).inserted, "\(name)")
      #expect(cuts.insert(model.cut).inserted, "\(name)")
    }
  }

  /// The files of a byte-level BPE count where they are the tokenizer, and only there: what lay
  /// beside another one never did.
  @Test func filesOfBytePairsCountWhereTheyAreTheTokenizer() throws {
    func model(_ path: String) throws -> GuardModel {
      try GuardModel(settings: ModelSettings(path: path), pool: WorkerPool(workers: 1))
    }
    let directory = try folder("bpe-files")
    let plain = try model(directory.path)
    let merges = URL(filePath: directory.path + "/merges.txt")
    try Data("#version: 0.2\nl e\n".utf8).write(to: merges)
    let changed = try model(directory.path)
    #expect(changed.hash != plain.hash && changed.cut != plain.cut)
    let golden = try load("v3-style")
    for name in ["config.json", "model.safetensors", "spm.model", "tokenizer_config.json"] {
      let data = try Data(contentsOf: GoldenCase.url("v3-style").appending(path: name))
      try data.write(to: URL(filePath: directory.path + "/" + name))
    }
    let beside = try model(directory.path)
    #expect(beside.hash == golden.hash && beside.cut == golden.cut)
  }

  @Test func moreIDsThanEmbeddingsAreRefused() throws {
    let directory = try folder("bert-uncased")
    let pieces = "[UNK]\n[CLS]\n[SEP]\n" + (0..<9_000).map { "piece\($0)\n" }.joined()
    try Data(pieces.utf8).write(to: URL(filePath: directory.path + "/vocab.txt"))
    let error = #expect(throws: GuardModelFailure.self) {
      try GuardModel(settings: ModelSettings(path: directory.path), pool: WorkerPool(workers: 1))
    }
    #expect(
      error?.description.contains("the tokenizer has more ids than the model embeddings") == true)
  }
}
