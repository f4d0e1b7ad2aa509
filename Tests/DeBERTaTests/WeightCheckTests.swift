import DeBERTa
import Foundation
import Tensors
import Testing

/// What is found out about weights before a text is judged.
@Suite struct WeightCheckTests {
  private let pool = WorkerPool(workers: 2)

  /// The tensor that stands last in a folder of one file.
  private static let last = "pooler.dense.weight"

  private func problem(_ folder: TinyFolder) -> ModelError.Problem? {
    do throws(ModelError) {
      _ = try LoadedModel(folder: folder.path, pool: pool)
      return nil
    } catch {
      return error.problem
    }
  }

  private func end(_ folder: TinyFolder, with bytes: [UInt8]) throws {
    let whole = try folder.read("model.safetensors")
    try folder.write(whole.dropLast(bytes.count) + Data(bytes), to: "model.safetensors")
  }

  @Test(
    arguments: [
      ("F32", [0, 0, 0x80, 0x7F]), ("F32", [0, 0, 0x80, 0xFF]), ("F32", [1, 0, 0x80, 0x7F]),
      ("F16", [0, 0x7C]), ("F16", [1, 0xFE]), ("BF16", [0x80, 0x7F]), ("BF16", [0xC0, 0xFF]),
      ("F64", [0, 0, 0, 0, 0, 0, 0xF0, 0x7F]),
    ] as [(String, [UInt8])])
  func aNumberThatIsNoneIsFound(format: String, bytes: [UInt8]) throws {
    let folder = try TinyFolder()
    folder.format = format
    try folder.write()
    #expect(problem(folder) == nil)
    try end(folder, with: bytes)
    #expect(problem(folder) == .notFinite(tensor: Self.last))
    #expect(throws: ModelError(File.weights, .notFinite(tensor: Self.last))) {
      try TrainableModel(folder: folder.path, pool: pool)
    }
  }

  private enum File { static let weights = "model.safetensors" }

  @Test(
    arguments: [
      ("F32", [0xFF, 0xFF, 0x7F, 0x7F]), ("F16", [0xFF, 0x7B]), ("BF16", [0x7F, 0x7F]),
    ] as [(String, [UInt8])])
  func theLargestNumbersAreNumbers(format: String, bytes: [UInt8]) throws {
    let folder = try TinyFolder()
    folder.format = format
    try folder.write()
    try end(folder, with: bytes)
    #expect(problem(folder) == nil)
  }

  @Test func whatTheModelDoesNotUseDoesNotMatter() throws {
    let folder = try TinyFolder()
    folder.shapes["zz.lm_head.bias"] = [1]
    try folder.write()
    try end(folder, with: [0, 0, 0xC0, 0x7F])
    #expect(problem(folder) == nil)
  }

  @Test func theHeadersTellWhatReadingWould() throws {
    let folder = try TinyFolder()
    folder.format = "F16"
    try folder.write(shards: 2)
    func census() throws(ModelError) -> ModelFolder.Census {
      try ModelFolder(path: folder.path).census(labels: .plain)
    }
    let found = try census()
    #expect(found.parameters == folder.shapes.values.reduce(0) { $0 + $1.reduce(1, *) })
    #expect(found.formats == ["F16": found.parameters])
    #expect(found.files == ["model-0.safetensors", "model-1.safetensors"])
    for change in [
      ("classifier.weight", [3, 4]), ("encoder.layer.1.output.dense.bias", [5]),
      ("pooler.dense.bias", nil),
    ] as [(String, [Int]?)] {
      let before = folder.shapes[change.0]
      folder.shapes[change.0] = change.1
      try folder.write(shards: 2)
      #expect(throws: ModelError.self, "\(change.0)") { try census() }
      #expect(problem(folder) != nil)
      folder.shapes[change.0] = before
    }
    for name in folder.shapes.keys where !name.hasPrefix("e") { folder.shapes[name] = nil }
    try folder.write(shards: 2)
    #expect(try !ModelFolder(path: folder.path).hasClassifier)
    #expect(try census().parameters < found.parameters)
  }

  /// DeBERTa-v3-base and MiniLM, by hand: 12 · (4·768² + 2·768·3072 + 4·768·512) and
  /// 6 · (4·384² + 2·384·1536 + 2·384·32).
  @Test func theCostOfATokenIsThatOfItsProducts() throws {
    let base = try ModelConfiguration(
      json: Data(
        #"""
        {"model_type": "deberta-v2", "vocab_size": 9, "hidden_size": 768, "num_hidden_layers": 12,
         "num_attention_heads": 12, "intermediate_size": 3072, "relative_attention": true,
         "position_buckets": 256, "pos_att_type": "p2c|c2p", "position_biased_input": false}
        """#.utf8))
    #expect(base.multiplyAdds(length: 512) == 103_809_024)
    let small = try ModelConfiguration(
      json: Data(
        #"""
        {"model_type": "bert", "vocab_size": 9, "hidden_size": 384, "num_hidden_layers": 6,
         "num_attention_heads": 12, "intermediate_size": 1536}
        """#.utf8))
    #expect(small.multiplyAdds(length: 32) == 10_764_288)
  }

  @Test(arguments: [
    (["SAFE", "INJECTION"], true), (["LEGIT", "INJECTION"], true),
    (["BENIGN", "INJECTION", "JAILBREAK"], true), (["benign", "prompt_injection"], true),
    (["safe", "unsafe"], false), (["SAFE", "INJECTION", "TOXIC"], false),
    (["LABEL_0", "LABEL_1"], false), (["not_injection", "unsafe"], false),
  ])
  func aGuardOfPromptsIsKnownByItsLabels(names: [String], concernsPrompts: Bool) throws {
    let labels = try LabelScheme(names: names, activation: .softmax)
    #expect(labels.concernsPrompts == concernsPrompts)
  }
}
