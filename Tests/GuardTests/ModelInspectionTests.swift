import DeBERTa
import Foundation
import Guard
import Records
import Settings
import Tensors
import TestSupport
import Testing

/// What is told of a folder without judging, and what it is for.
@Suite struct ModelInspectionTests {
  private static let pool = WorkerPool(workers: 2)

  private func inspect(_ path: String) throws(GuardModelFailure) -> ModelInspection {
    try ModelInspection(settings: ModelSettings(path: path), pool: Self.pool)
  }

  private func load(
    _ path: String, _ change: (inout ModelSettings) -> Void = { _ in }
  ) throws -> GuardModel {
    var settings = ModelSettings(path: path)
    change(&settings)
    return try GuardModel(settings: settings, pool: Self.pool)
  }

  /// A copy of the golden model with other settings in its `config.json`.
  private func copy(_ settings: String) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    let source = GoldenCase.url("v3-style").path
    for name in ["model.safetensors", "spm.model", "tokenizer_config.json"] {
      try FileManager.default.copyItem(
        atPath: "\(source)/\(name)", toPath: "\(directory.path)/\(name)")
    }
    let text = try String(contentsOfFile: source + "/config.json", encoding: .utf8)
    try Data((settings.isEmpty ? text : "{\(settings)," + text.dropFirst()).utf8).write(
      to: URL(filePath: directory.path + "/config.json"))
    return directory
  }

  private func write(_ text: String, _ name: String, in folder: TemporaryDirectory) throws {
    try Data(text.utf8).write(to: URL(filePath: "\(folder.path)/\(name)"))
  }

  @Test func aGuardsFolderIsTold() throws {
    let path = GoldenCase.url("v3-style").path
    let found = try inspect(path)
    let model = try load(path)
    #expect(found.model == model.model)
    #expect(found.type == "deberta-v2" && found.sizes.layers == 3 && found.sizes.hidden == 64)
    #expect(found.formats == ["F32": found.parameters])
    #expect(found.weightFiles == ["model.safetensors"])
    #expect(found.labels.map(\.isUnsafe) == [false, true] && found.labelsExcludeEachOther)
    #expect(found.windowTokens == model.encoder.windowTokens)
    #expect(found.tokens.kind == "SentencePiece" && found.tokens.file == "spm.model")
    #expect(found.views == .all)
    #expect(found.costs.map(\.length) == [found.windowTokens, 32])
    #expect(found.engines.map(\.device) == ["cpu", "cpu", "cpu", "cuda", "cuda", "cuda"])
    for engine in found.engines {
      let isFast = ProductFormat(rawValue: engine.precision)?.isFast ?? true
      #expect((engine.refusal == nil) == (engine.device == "cuda" || isFast))
    }
    #expect(found.judgingRefusal == nil && found.trainingRefusal == nil)
    #expect(found.calibration == nil && found.manifest == nil)
  }

  @Test func whatAGPUDoesNotComputeIsTold() throws {
    let folder = try RandomModel()
    let found = try inspect(folder.path)
    #expect(found.engines[0].refusal == nil)
    let others = found.engines.filter { $0.device == "cuda" }
    #expect(others.allSatisfy { $0.refusal?.contains("bert models") == true })
    let several = try copy(
      #""problem_type": "multi_label_classification", "id2label": {"0": "hate", "1": "spam"}"#)
    let multi = try inspect(several.path)
    #expect(!multi.labelsExcludeEachOther && multi.labels.allSatisfy(\.isUnsafe))
    #expect(multi.engines.last?.refusal?.contains("2 labels, each by itself") == true)
    #expect(multi.judgingRefusal == nil && multi.trainingRefusal != nil)
  }

  /// The classifier's weights stand last in what a training writes.
  @Test func anEncoderAloneCanBeTrainedAndDoesNotJudge() throws {
    let folder = try RandomModel()
    let file = URL(filePath: folder.path + "/model.safetensors")
    let whole = try Data(contentsOf: file)
    let length = whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let json = try JSONSerialization.jsonObject(with: whole[8..<8 + length])
    var header = try #require(json as? [String: [String: Any]])
    var end = whole.count - 8 - length
    for name in ["classifier.bias", "classifier.weight"] {
      let offsets = try #require(header.removeValue(forKey: name)?["data_offsets"] as? [Int])
      #expect(offsets[1] == end)
      end = offsets[0]
    }
    let text = try JSONSerialization.data(withJSONObject: header)
    let size = Data((0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) })
    try (size + text + whole[(8 + length)..<(8 + length + end)]).write(to: file)
    let found = try inspect(folder.path)
    #expect(found.judgingRefusal?.contains("no pooler and classifier") == true)
    #expect(found.trainingRefusal == nil)
    #expect(throws: GuardModelFailure.self) { try load(folder.path) }
  }

  @Test func aHypothesisIsTold() throws {
    let folder = try copy(#""id2label": {"0": "entailment", "1": "not_entailment"}"#)
    try write(#"{"hypothesis": "It rains."}"#, "sluice.json", in: folder)
    let found = try inspect(folder.path)
    #expect(found.hypothesis == "It rains." && found.labels.map(\.isUnsafe) == [true, false])
    #expect(try inspect(GoldenCase.url("v3-style").path).hypothesis == nil)
  }

  @Test func whatCannotBeLoadedIsRefusedInTheSameWords() throws {
    let missing = try copy("")
    try FileManager.default.removeItem(atPath: missing.path + "/spm.model")
    let ambiguous = try copy(#""id2label": {"0": "entailment", "1": "not_entailment"}"#)
    let broken = try copy("")
    let file = broken.path + "/model.safetensors"
    var weights = try Data(contentsOf: URL(filePath: file))
    weights.replaceSubrange((weights.count - 4)..., with: [0, 0, 0xC0, 0x7F])
    try weights.write(to: URL(filePath: file))
    for path in [missing.path, ambiguous.path, broken.path, "/none"] {
      let inspected = #expect(throws: GuardModelFailure.self) { try inspect(path) }
      let loaded = #expect(throws: GuardModelFailure.self) { try load(path) }
      #expect(inspected == loaded && inspected?.description.hasPrefix(path) == true)
    }
  }

  /// Labels, then the model's own file, then the settings.
  @Test func whatIsJudgedByDefaultFollowsTheLabels() throws {
    let exchange = Exchange(prompt: "a", response: "b")
    let folder = try copy(#""id2label": {"0": "SAFE", "1": "INJECTION"}"#)
    let model = try load(folder.path)
    #expect(model.views == .prompt)
    #expect(try model.sequences(for: exchange).response.isEmpty)
    #expect(try inspect(folder.path).views == .prompt)
    let golden = GoldenCase.url("v3-style").path
    #expect(try model.cut == load(golden) { $0.views = .prompt }.cut)
    #expect(try load(golden).cut == load(golden) { $0.views = .all }.cut)

    try write(#"{"views": ["response", "prompt"]}"#, "sluice.json", in: folder)
    let told = try load(folder.path)
    #expect(told.views == .all)
    #expect(told.hash == model.hash, "scores do not depend on it")
    #expect(try load(folder.path) { $0.views = .response }.views == .response)
  }
}
