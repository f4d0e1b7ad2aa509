import Foundation
import Tensors
import TestSupport
import Testing

import DeBERTa

/// A BERT or RoBERTa as a DeBERTa-v2 judges as before. What transformers makes of the result is
/// checked by `Tests/Fixtures/check_conversion.py`.
@Suite struct ConversionTests {
  private static let pool = WorkerPool(workers: 2)

  private func convert(_ path: String, relative: Bool = false) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    try ModelConversion(folder: path, relative: relative).write(to: directory.path)
    return directory
  }

  private func settings(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(filePath: path + "/config.json"))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test(arguments: ["bert", "roberta", "roberta-types"], [false, true])
  func statesAndLogitsStay(folder: String, relative: Bool) throws {
    let path = GoldenCase.url(folder).path
    let source = try DeBERTaClassifier(folder: path, pool: Self.pool)
    let directory = try convert(path, relative: relative)
    let model = try DeBERTaClassifier(folder: directory.path, pool: Self.pool)
    #expect(model.configuration.backbone == .debertaV2)
    #expect((model.configuration.relative != nil) == relative)
    #expect(model.configuration.absolutePositions == 160)
    let batch = TokenBatch(try GoldenCase.load(folder))
    let (before, after) = (try source.classify(batch), try model.classify(batch))
    if !relative { #expect(before == after, "the same operations on the same weights") }
    for (before, after) in zip(before, after) {
      #expect(abs(before.safe - after.safe) <= 2e-6 && abs(before.unsafe - after.unsafe) <= 2e-6)
    }
    let pairs = zip(try source.hiddenStates(of: batch), try model.hiddenStates(of: batch))
    for (layer, (before, after)) in pairs.enumerated() {
      let worst = zip(before, after).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
      #expect(worst <= 2e-6, "layer \(layer)")
    }
  }

  /// What was zero until then has a gradient, so that a training reaches it.
  @Test func relativeAttentionCanBeTrained() throws {
    let directory = try convert(GoldenCase.url("bert").path, relative: true)
    let model = try TrainableModel(folder: directory.path, pool: Self.pool)
    model.beginStep()
    model.accumulate(TokenBatch(Array(try GoldenCase.load("bert").prefix(5)))) {
      $0.map { _ in Logits(safe: -1, unsafe: 1) }
    }
    model.endStep()
    let table = model.parameters.gradient("deberta.encoder.rel_embeddings.weight")
    let length = table.arena.withValues(table.range) { values in
      values.indices.reduce(Float(0)) { $0 + values[$1] * values[$1] }.squareRoot()
    }
    #expect(length > 1e-3)
  }

  /// A small BERT of so many labels.
  private func bert(labels: Int, format: String) throws -> TinyFolder {
    let folder = try TinyFolder()
    folder.prefix = "bert."
    folder.format = format
    folder.settings = [
      "model_type": "bert", "architectures": ["BertForSequenceClassification"], "vocab_size": 7,
      "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 6,
      "max_position_embeddings": 14, "classifier_dropout": 0.25,
      "position_embedding_type":
        "absolute", "problem_type": "multi_label_classification",
      "id2label": ["0": "toxic", "1": "insult", "2": "threat"],
    ]
    let own = [
      "encoder.rel_embeddings.weight", "encoder.LayerNorm.weight", "encoder.LayerNorm.bias",
    ]
    folder.shapes = Dictionary(
      uniqueKeysWithValues: folder.shapes.filter { !own.contains($0.key) }.map { name, shape in
        (name.replacing("_proj.", with: "."), shape)
      })
    folder.shapes["embeddings.position_embeddings.weight"] = [14, 4]
    folder.shapes["embeddings.token_type_embeddings.weight"] = [2, 4]
    folder.shapes["classifier.weight"] = [labels, 4]
    folder.shapes["classifier.bias"] = [labels]
    return folder
  }

  @Test(arguments: ["F32", "F16", "BF16"], [1, 3])
  func labelsFormatAndTokenizerStay(format: String, shards: Int) throws {
    let folder = try bert(labels: 3, format: format)
    try folder.write(shards: shards)
    try folder.write(Data("a tokenizer".utf8), to: "vocab.txt")
    try folder.write(Data("{}".utf8), to: "tokenizer_config.json")
    try folder.write(Data("a picture".utf8), to: "picture.png")
    let directory = try convert(folder.path)
    let batch = TokenBatch([[1, 2, 3, 4], [6], Array(repeating: 5, count: 14)])
    let source = try DeBERTaClassifier(folder: folder.path, pool: Self.pool)
    let model = try DeBERTaClassifier(folder: directory.path, pool: Self.pool)
    #expect(try model.classify(batch) == source.classify(batch))
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(
      names.sorted() == ["config.json", "model.safetensors", "tokenizer_config.json", "vocab.txt"])
    let found = try settings(directory.path)
    #expect(found["id2label"] as? [String: String] == ["0": "toxic", "1": "insult", "2": "threat"])
    #expect(found["problem_type"] as? String == "multi_label_classification")
    #expect(found["cls_dropout"] as? Double == 0.25 && found["classifier_dropout"] == nil)
    #expect(found["layer_norm_eps"] as? Double == 1e-12)
    #expect(found["tokenizer_class"] as? String == "BertTokenizer")
    #expect(found["position_embedding_type"] == nil)
    let weights = try SafetensorsFile(folder: directory.path, name: "model.safetensors")
    #expect(weights.names.count == folder.shapes.count)
    let header = try TinyFolder.header(of: directory.path + "/model.safetensors")
    #expect(header.ranges(of: "\"\(format)\"").count == folder.shapes.count, "bit for bit")

    // Only what is computed is in single precision then.
    let relative = try convert(folder.path, relative: true)
    let other = try TinyFolder.header(of: relative.path + "/model.safetensors")
    let single = format == "F32" ? folder.shapes.count + 1 : 5
    #expect(other.ranges(of: "\"F32\"").count == single)
  }

  @Test(arguments: [["classifier."], ["classifier.", "pooler."]])
  func anEncoderAloneBecomesOne(missing: [String]) throws {
    let folder = try bert(labels: 2, format: "F32")
    folder.settings["architectures"] = ["BertForMaskedLM"]
    folder.settings["id2label"] = nil
    folder.settings["problem_type"] = nil
    for name in folder.shapes.keys where missing.contains(where: { name.hasPrefix($0) }) {
      folder.shapes[name] = nil
    }
    folder.shapes["cls.predictions.bias"] = [7]
    try folder.write()
    let directory = try convert(folder.path)
    #expect(try settings(directory.path)["architectures"] as? [String] == ["DebertaV2Model"])
    #expect(throws: ModelError("model.safetensors", .noClassifier)) {
      try DeBERTaClassifier(folder: directory.path, pool: Self.pool)
    }
    // What is drawn anew has other names in another model, and the same numbers.
    let before = try TrainableModel(folder: folder.path, pool: Self.pool, seed: 5)
    let after = try TrainableModel(folder: directory.path, pool: Self.pool, seed: 5)
    let batch = TokenBatch([[1, 2, 3, 4], [6]])
    #expect(before.logits(of: batch) == after.logits(of: batch))
  }

  @Test func whatIsNotConvertedIsRefused() throws {
    let deberta = GoldenCase.url("v3-style").path
    #expect(throws: ModelError("config.json", .notConverted(type: "deberta-v2"))) {
      try ModelConversion(folder: deberta, relative: false)
    }
    let folder = try bert(labels: 2, format: "F32")
    folder.settings["max_position_embeddings"] = 7
    folder.shapes["embeddings.position_embeddings.weight"] = [7, 4]
    try folder.write()
    #expect(throws: ModelError("config.json", .badSetting("max_position_embeddings"))) {
      try ModelConversion(folder: folder.path, relative: true)
    }
    folder.shapes["embeddings.position_embeddings.weight"] = [6, 4]
    try folder.write()
    let directory = try TemporaryDirectory()
    let error = #expect(throws: ModelError.self) {
      try ModelConversion(folder: folder.path, relative: false).write(to: directory.path)
    }
    guard case .wrongShape(_, [7, 4], [6, 4]) = error?.problem else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}

extension TinyFolder {
  /// The header of a file of weights.
  fileprivate static func header(of path: String) throws -> String {
    let data = try Data(contentsOf: URL(filePath: path))
    let length = Int(data[0]) + Int(data[1]) << 8 + Int(data[2]) << 16
    return String(decoding: data[8..<8 + length], as: UTF8.self)
  }
}
