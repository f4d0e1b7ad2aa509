import DeBERTa
import Foundation
import Tensors
import Testing

/// What a model folder may look like, and what is said of one that cannot be used.
@Suite struct LoadingTests {
  private let pool = WorkerPool(workers: 1)
  private let batch = TokenBatch([[1, 3, 2], [1, 2], [6, 5, 4, 3, 2, 1, 0, 6, 5, 4, 3, 2, 1, 0]])

  private func load(_ folder: TinyFolder) throws(ModelError) -> DeBERTaClassifier {
    try DeBERTaClassifier(folder: folder.path, pool: pool)
  }

  private func problem(_ folder: TinyFolder) -> ModelError.Problem? {
    do throws(ModelError) {
      _ = try load(folder)
      return nil
    } catch {
      return error.problem
    }
  }

  @Test func shardsAndPrefixesMakeNoDifference() throws {
    let whole = try TinyFolder()
    try whole.write()
    let expected = try load(whole).classify(batch)
    let sharded = try TinyFolder()
    try sharded.write(shards: 3)
    #expect(try load(sharded).classify(batch) == expected)
    let bare = try TinyFolder()
    bare.prefix = ""
    try bare.write()
    #expect(try load(bare).classify(batch) == expected)
  }

  @Test(arguments: ["F16", "BF16", "F64"]) func otherFormatsAreRead(format: String) throws {
    let single = try TinyFolder()
    try single.write()
    let narrow = try TinyFolder()
    narrow.format = format
    try narrow.write()
    #expect(try load(narrow).classify(batch) == (try load(single).classify(batch)))
  }

  @Test(arguments: 1...7) func headersOfAnyLengthAreRead(padding: Int) throws {
    let folder = try TinyFolder()
    try folder.write()
    let expected = try load(folder).classify(batch)
    var bytes = try folder.read("model.safetensors")
    let unpadded = Int(bytes[0]) + Int(bytes[1]) << 8
    bytes.insert(contentsOf: Data(repeating: 0x20, count: padding), at: 8 + unpadded)
    let length = unpadded + padding
    bytes[0] = UInt8(length & 255)
    bytes[1] = UInt8(length >> 8)
    try folder.write(bytes, to: "model.safetensors")
    #expect(try load(folder).classify(batch) == expected)
  }

  @Test func optionalWeightsAreUsed() throws {
    let folder = try TinyFolder()
    folder.settings.merge([
      "embedding_size": 3, "type_vocab_size": 2, "position_biased_input": true,
    ]) { $1 }
    folder.shapes["embeddings.word_embeddings.weight"] = [7, 3]
    #expect(problemAfterWriting(folder) == .missingTensor("embeddings.position_embeddings.weight"))
    folder.shapes["embeddings.position_embeddings.weight"] = [12, 3]
    #expect(
      problemAfterWriting(folder) == .missingTensor("embeddings.token_type_embeddings.weight"))
    folder.shapes["embeddings.token_type_embeddings.weight"] = [2, 3]
    #expect(problemAfterWriting(folder) == .missingTensor("embeddings.embed_proj.weight"))
    folder.shapes["embeddings.embed_proj.weight"] = [4, 3]
    #expect(problemAfterWriting(folder) == nil)
    #expect(throws: BatchError.tooLong(sequence: 2, tokensMax: 12)) {
      try load(folder).classify(batch)
    }
  }

  /// A convolution sees one tap on each side, and its groups one column each.
  private func addConvolution(to folder: TinyFolder) {
    folder.settings.merge(["conv_kernel_size": 3, "conv_groups": 4, "conv_act": "gelu"]) { $1 }
    folder.shapes["encoder.conv.conv.weight"] = [4, 1, 3]
    folder.shapes["encoder.conv.conv.bias"] = [4]
    folder.shapes["encoder.conv.LayerNorm.weight"] = [4]
    folder.shapes["encoder.conv.LayerNorm.bias"] = [4]
  }

  @Test func aConvolutionsWeightsAreUsed() throws {
    let folder = try TinyFolder()
    try folder.write()
    let without = try load(folder).classify(batch)
    folder.settings["conv_kernel_size"] = 3
    #expect(problemAfterWriting(folder) == .missingTensor("encoder.conv.conv.weight"))
    addConvolution(to: folder)
    #expect(problemAfterWriting(folder) == nil)
    let found = try load(folder).classify(batch)
    #expect(zip(found, without).allSatisfy { $0 != $1 })
    folder.format = "BF16"
    try folder.write()
    #expect(try load(folder).classify(batch) == found)
  }

  @Test(
    arguments: [
      ("conv_kernel_size", 2), ("conv_kernel_size", 257), ("conv_groups", 0), ("conv_groups", 3),
      ("conv_groups", -1), ("conv_act", "relu"), ("num_hidden_layers", 1),
    ] as [(String, any Sendable)])
  func convolutionsThatAreNotComputedAreRefused(setting: String, value: any Sendable) throws {
    let folder = try TinyFolder()
    addConvolution(to: folder)
    folder.settings[setting] = value
    switch problemAfterWriting(folder) {
    case .badSetting(setting), .unsupportedSetting(setting, _): break
    case .unsupportedSetting("conv_kernel_size", "3 with one layer"): break
    case let other: Issue.record("\(setting): \(other.debugDescription)")
    }
  }

  private func problemAfterWriting(_ folder: TinyFolder) -> ModelError.Problem? {
    #expect(throws: Never.self) { try folder.write() }
    return problem(folder)
  }

  @Test func relativeTermsMayBeAString() throws {
    let list = try TinyFolder()
    try list.write()
    let string = try TinyFolder()
    string.settings["pos_att_type"] = "P2C | c2p"
    try string.write()
    #expect(try load(string).classify(batch) == (try load(list).classify(batch)))
    #expect(try load(string).hash != (try load(list).hash))
  }

  @Test(
    arguments: [
      ("model_type", "gpt2"), ("hidden_act", "gelu_new"), ("pooler_hidden_act", "relu"),
      ("problem_type", "regression"),
      ("architectures", ["DebertaV2ForMaskedLM"]),
    ] as [(String, any Sendable)])
  func whatIsNotComputedIsRefused(setting: String, value: any Sendable) throws {
    let folder = try TinyFolder()
    folder.settings[setting] = value
    try folder.write()
    guard case .unsupportedSetting(setting, _) = problem(folder) else {
      Issue.record("\(setting): \(problem(folder).debugDescription)")
      return
    }
  }

  @Test(
    arguments: [
      ("hidden_size", 0), ("hidden_size", -4), ("hidden_size", 1 << 40), ("num_attention_heads", 3),
      ("vocab_size", 0), ("num_hidden_layers", 0), ("intermediate_size", -1),
      ("layer_norm_eps", -1.0), ("layer_norm_eps", 1e30), ("type_vocab_size", -1),
      ("position_buckets", 1 << 30), ("position_buckets", 1), ("position_buckets", 100),
      ("max_relative_positions", 1 << 40), ("max_position_embeddings", 0),
      ("hidden_dropout_prob", 1.0), ("attention_probs_dropout_prob", -0.1), ("cls_dropout", 2.0),
      ("pooler_dropout", 1.0), ("attention_head_size", 64), ("pooler_hidden_size", 8),
      ("num_labels", 0),
      ("num_labels", 1 << 20), ("id2label", ["0": "a", "2": "c"]), ("id2label", [String: String]()),
    ] as [(String, any Sendable)])
  func absurdSettingsAreRefused(setting: String, value: any Sendable) throws {
    let folder = try TinyFolder()
    folder.settings[setting] = value
    try folder.write()
    guard case .badSetting = problem(folder) else {
      Issue.record("\(setting): \(problem(folder).debugDescription)")
      return
    }
  }

  @Test(arguments: ["", "{", "[]", "null", "{\"hidden_size\": 1e30}", "{\"hidden_size\": \"4\"}"])
  func garbageIsMalformed(text: String) throws {
    let folder = try TinyFolder()
    try folder.write()
    try folder.write(Data(text.utf8), to: "config.json")
    switch problem(folder) {
    case .malformed, .unreadable: break
    case let other: Issue.record("\(other.debugDescription)")
    }
  }

  @Test func deeplyNestedGarbageIsMalformed() throws {
    let folder = try TinyFolder()
    try folder.write()
    try folder.write(Data(repeating: UInt8(ascii: "["), count: 1 << 20), to: "config.json")
    guard case .malformed = problem(folder) else {
      Issue.record("\(problem(folder).debugDescription)")
      return
    }
  }

  @Test func missingFilesAreNamed() throws {
    let folder = try TinyFolder()
    do throws(ModelError) {
      _ = try load(folder)
    } catch {
      #expect(error.description.hasPrefix("is an empty folder: it needs config.json"))
    }
    try folder.write()
    try FileManager.default.removeItem(atPath: folder.path + "/model.safetensors")
    do throws(ModelError) {
      _ = try load(folder)
    } catch {
      #expect(error.description.hasPrefix("has no weights: model.safetensors is missing"))
    }
  }

  @Test func missingAndMisshapenTensorsAreNamed() throws {
    let folder = try TinyFolder()
    folder.shapes["encoder.layer.1.output.dense.bias"] = nil
    try folder.write()
    #expect(problem(folder) == .missingTensor("encoder.layer.1.output.dense.bias"))
    folder.shapes["encoder.layer.1.output.dense.bias"] = [5]
    try folder.write()
    #expect(
      problem(folder)
        == .wrongShape(
          tensor: "deberta.encoder.layer.1.output.dense.bias", expected: [4], found: [5]))
  }
}
