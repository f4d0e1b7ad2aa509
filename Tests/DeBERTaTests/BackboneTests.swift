import Foundation
import Tensors
import TestSupport
import Testing

import DeBERTa

extension TokenBatch {
  init(_ cases: [GoldenCase]) {
    self.init()
    for golden in cases { append(golden.token_ids, secondStart: golden.second_start) }
  }
}

/// Encoders beside DeBERTa-v3's, against PyTorch (Tests/Fixtures/make_backbone_golden.py).
@Suite struct BackboneTests {
  private static let pool = WorkerPool(workers: 2)

  private func model(_ folder: String) throws -> DeBERTaClassifier {
    try DeBERTaClassifier(folder: GoldenCase.url(folder).path, pool: Self.pool)
  }

  private func expectLogits(_ model: DeBERTaClassifier, of cases: [GoldenCase]) throws {
    for (golden, logits) in zip(cases, try model.classify(TokenBatch(cases))) {
      #expect(abs(logits.safe - golden.logits[0]) < 1e-5, "\(golden.id) of \(cases.count)")
      #expect(abs(logits.unsafe - golden.logits[1]) < 1e-5, "\(golden.id) of \(cases.count)")
    }
  }

  @Test(arguments: GoldenCase.backbones) func everySequenceHasPyTorchsLogits(folder: String) throws
  {
    let model = try model(folder)
    let cases = try GoldenCase.load(folder)
    #expect(cases.count >= 10 && cases.contains { $0.second_start != nil })
    for golden in cases { try expectLogits(model, of: [golden]) }
  }

  @Test(arguments: GoldenCase.backbones, [UInt64(1), 2, 3])
  func theCompanyInABatchDoesNotMatter(folder: String, seed: UInt64) throws {
    let model = try model(folder)
    var random = SeededGenerator(seed: seed)
    for count in [1, 2, 5, 11, 11] {
      let some = try GoldenCase.load(folder).shuffled(using: &random).prefix(count)
      try expectLogits(model, of: Array(some))
    }
  }

  @Test(arguments: GoldenCase.backbones) func everyLayerHasPyTorchsStates(folder: String) throws {
    let model = try model(folder)
    let cases = try GoldenCase.load(folder)
    let place = try #require(cases.firstIndex { $0.id == "c03" })
    let batch = TokenBatch(cases)
    let rows = batch.range(of: place)
    let hidden = model.configuration.hidden
    let file = try SafetensorsFile(folder: GoldenCase.url(folder).path, name: "golden.safetensors")
    let states = try model.hiddenStates(of: batch)
    #expect(states.count == model.configuration.layers + 1)
    for (layer, states) in states.enumerated() {
      let golden = try file.parameter("hidden.\(layer)", shape: [rows.count, hidden])
      let found = states[rows.lowerBound * hidden..<rows.upperBound * hidden]
      for (index, state) in found.enumerated() where abs(state - golden.values[index]) >= 1e-5 {
        Issue.record("\(folder) layer \(layer), \(index): \(state) for \(golden.values[index])")
        break
      }
    }
  }

  /// What the tokens of a second text have of their own. The models that have one table row or none
  /// judge as if there was one text, to the bit.
  @Test(arguments: [
    ("bert", true), ("deberta-types", true), ("v3-style", false), ("absolute-positions", false),
    ("roberta", false), ("roberta-types", false),
  ]) func aSecondTextHasItsOwnType(folder: String, isSeen: Bool) throws {
    let model = try model(folder)
    let tokens = Array(5..<Int32(45))
    let whole = try model.classify(TokenBatch([tokens]))
    var scores: Set<Float> = []
    for second in [1, 20, 39, 40] {
      var batch = TokenBatch()
      batch.append(tokens, secondStart: second)
      let logits = try model.classify(batch)
      #expect((logits == whole) == (second == 40 || !isSeen), "\(second)")
      scores.insert(logits[0].unsafe)
    }
    #expect(scores.count == (isSeen ? 4 : 1))
  }

  @Test func aTableOfOneTypeIsThatOfAllTokens() throws {
    let folder = try TinyFolder()
    folder.settings["type_vocab_size"] = 1
    folder.shapes["embeddings.token_type_embeddings.weight"] = [1, 4]
    try folder.write()
    let model = try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    var pair = TokenBatch()
    pair.append([1, 3, 2, 4], secondStart: 2)
    let alone = TokenBatch([[1, 3, 2, 4]])
    #expect(try model.classify(pair) == model.classify(alone))
    let trained = try TrainableModel(folder: folder.path, pool: Self.pool)
    #expect(trained.logits(of: pair) == trained.logits(of: alone))
  }

  /// A copy of a golden folder whose weights have other names, and other settings.
  private func renamed(
    _ rename: (String) -> String, of golden: String = "bert", settings: [String: Any] = [:]
  ) throws -> TinyFolder {
    let folder = try TinyFolder()
    let source = GoldenCase.url(golden)
    let text = try Data(contentsOf: source.appending(path: "config.json"))
    let known = try JSONSerialization.jsonObject(with: text) as? [String: Any] ?? [:]
    folder.settings = known.merging(settings) { $1 }
    try folder.write(
      JSONSerialization.data(withJSONObject: folder.settings), to: "config.json")
    let file = try Data(contentsOf: source.appending(path: "model.safetensors"))
    let length = Int(file[0]) + Int(file[1]) << 8 + Int(file[2]) << 16
    let header = try #require(
      try JSONSerialization.jsonObject(with: file[8..<8 + length]) as? [String: Any])
    let names = Dictionary(uniqueKeysWithValues: header.map { (rename($0.key), $0.value) })
    let json = try JSONSerialization.data(withJSONObject: names)
    try folder.write(
      TinyFolder.safetensors(
        header: String(decoding: json, as: UTF8.self), data: file[(8 + length)...]),
      to: "model.safetensors")
    return folder
  }

  @Test func oldNamesAndNoPrefixMakeNoDifference() throws {
    let batch = TokenBatch(try GoldenCase.load("bert"))
    let expected = try model("bert").classify(batch)
    for rename in [
      { $0.replacingOccurrences(of: "bert.", with: "") },
      {
        $0.replacingOccurrences(of: "LayerNorm.weight", with: "LayerNorm.gamma")
          .replacingOccurrences(of: "LayerNorm.bias", with: "LayerNorm.beta")
      },
    ] as [(String) -> String] {
      let folder = try renamed(rename)
      let model = try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
      #expect(try model.classify(batch) == expected)
    }
  }

  @Test(
    arguments: [
      ("bert", "BertModel", ["classifier."]),
      ("bert", "BertForMaskedLM", ["classifier.", "bert.pooler."]),
      ("roberta", "RobertaModel", ["classifier."]),
      ("roberta", "RobertaForMaskedLM", ["classifier.out_proj."]),
    ])
  func anEncoderAloneIsATrainingsStart(
    golden: String, architecture: String, missing: [String]
  ) throws {
    let folder = try renamed(
      { name in missing.contains { name.hasPrefix($0) } ? "other." + name : name }, of: golden,
      settings: ["architectures": [architecture]])
    let error = #expect(throws: ModelError.self) {
      try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    }
    #expect(error == ModelError("model.safetensors", .noClassifier))

    let whole = try TrainableModel(folder: GoldenCase.url(golden).path, pool: Self.pool)
    let model = try TrainableModel(folder: folder.path, pool: Self.pool, seed: 3)
    for entry in model.parameters.layout.entries {
      let isNew = missing.contains { entry.name.hasPrefix($0) }
      let (found, known) = (floats(model, entry.name), floats(whole, entry.name))
      #expect((found == known) != isNew, "\(entry.name)")
      if isNew { #expect(found.allSatisfy { abs($0) < 0.1 }) }
      if isNew && entry.name.hasSuffix("bias") { #expect(found.allSatisfy { $0 == 0 }) }
    }
    let again = try TrainableModel(folder: folder.path, pool: Self.pool, seed: 3)
    for entry in model.parameters.layout.entries {
      #expect(floats(model, entry.name) == floats(again, entry.name))
    }

    // What comes of it is a classifier.
    try folder.write(Data([0]), to: "spm.model")
    let output = try TemporaryDirectory()
    try model.save(to: output.path, like: folder.path, format: .float32)
    let saved = try DeBERTaClassifier(folder: output.path, pool: Self.pool)
    let batch = TokenBatch(try GoldenCase.load(golden))
    for (found, expected) in zip(try saved.classify(batch), model.logits(of: batch)) {
      #expect(abs(found.unsafe - expected.unsafe) < 1e-5)
    }
    let text = try Data(contentsOf: URL(filePath: output.path).appending(path: "config.json"))
    let settings = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    let name = golden == "bert" ? "Bert" : "Roberta"
    #expect(settings["architectures"] as? [String] == [name + "ForSequenceClassification"])
    #expect(settings["model_type"] as? String == golden)
  }

  private func floats(_ model: TrainableModel, _ name: String) -> [Float] {
    let tensor = model.parameters.tensor(name)
    return tensor.arena.withValues(tensor.range) { span in span.indices.map { span[$0] } }
  }

  @Test(
    arguments: [
      ("hidden_act", "gelu_new"), ("hidden_act", "relu"), ("is_decoder", true),
      ("position_embedding_type", "relative_key"), ("problem_type", "regression"),
      ("architectures", ["BertForTokenClassification"]), ("model_type", "albert"),
    ] as [(String, any Sendable)])
  func whatBERTDoesNotComputeIsRefused(setting: String, value: any Sendable) throws {
    let folder = try renamed({ $0 }, settings: [setting: value])
    let error = #expect(throws: ModelError.self) {
      try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    }
    guard case .unsupportedSetting(setting, _) = error?.problem else {
      Issue.record("\(setting): \(String(describing: error))")
      return
    }
  }

  /// What a file says of dropout, and what holds where it does not.
  @Test(
    arguments: [
      ("deberta-v2", [:], [0.1, 0.1, 0.1, 0]),
      ("bert", [:], [0.1, 0.1, 0.1, 0]),
      ("roberta", [:], [0.1, 0.1, 0.1, 0.1]),
      ("deberta-v2", ["hidden_dropout_prob": 0], [0, 0.1, 0, 0]),
      (
        "deberta-v2", ["cls_dropout": 0.5, "pooler_dropout": 0.25, "classifier_dropout": 0.75],
        [0.1, 0.1, 0.5, 0.25]
      ),
      (
        "bert",
        ["attention_probs_dropout_prob": 0.5, "classifier_dropout": 0.25, "cls_dropout": 0],
        [0.1, 0.5, 0.25, 0]
      ),
      ("roberta", ["classifier_dropout": 0.25, "pooler_dropout": 0.5], [0.1, 0.1, 0.25, 0.25]),
    ] as [(String, [String: Double], [Float])])
  func filesTellDropout(type: String, settings: [String: Double], rates: [Float]) throws {
    var all: [String: Any] = [
      "model_type": type, "vocab_size": 9, "hidden_size": 4, "num_hidden_layers": 1,
      "num_attention_heads": 2, "intermediate_size": 4, "max_position_embeddings": 12,
    ]
    all.merge(settings) { $1 }
    let shape = try ModelConfiguration(json: JSONSerialization.data(withJSONObject: all))
    let expected = DropoutRates(
      hidden: rates[0], attention: rates[1], classifier: rates[2], pooler: rates[3])
    #expect(shape.dropout == expected)
  }

  /// XLM-RoBERTa is a RoBERTa with another vocabulary.
  @Test func aModelOfManyLanguagesIsTheSame() throws {
    let folder = try renamed(
      { $0 }, of: "roberta",
      settings: [
        "model_type": "xlm-roberta", "architectures": ["XLMRobertaForSequenceClassification"],
      ])
    let model = try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    try expectLogits(model, of: try GoldenCase.load("roberta"))
  }

  /// Of RoBERTa's positions those up to the padding's are not used.
  @Test func positionsBeginBehindThePadding() throws {
    let model = try model("roberta")
    #expect(model.configuration.absolutePositions == 160)
    #expect(throws: BatchError.tooLong(sequence: 0, tokensMax: 160)) {
      try model.classify(TokenBatch([[Int32](repeating: 5, count: 161)]))
    }
    for padding in [-1, 161, 1 << 40] {
      let folder = try renamed({ $0 }, of: "roberta", settings: ["pad_token_id": padding])
      #expect(throws: ModelError("config.json", .badSetting("pad_token_id"))) {
        try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
      }
    }
  }

  /// What a BERT's configuration says without meaning it, and what it leaves unsaid.
  @Test func onlyBERTsOwnSettingsCount() throws {
    let folder = try renamed(
      { $0 },
      settings: [
        "relative_attention": true, "position_biased_input": false, "embedding_size": 8,
        "pos_att_type": ["p2c"], "pooler_hidden_act": "relu",
      ])
    for name in ["hidden_act", "layer_norm_eps", "type_vocab_size", "position_embedding_type"] {
      folder.settings[name] = nil
    }
    try folder.write(
      JSONSerialization.data(withJSONObject: folder.settings), to: "config.json")
    let model = try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    #expect(model.configuration == (try self.model("bert")).configuration)
    try expectLogits(model, of: try GoldenCase.load("bert"))
  }
}
