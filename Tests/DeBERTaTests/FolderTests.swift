import DeBERTa
import Foundation
import Tensors
import Testing

/// Folders as people have them: what loads all the same, and what is said of the rest.
@Suite struct FolderTests {
  private let pool = WorkerPool(workers: 2)
  private let batch = TokenBatch([[1, 3, 2], [1, 2]])

  private func scores(_ folder: TinyFolder) throws -> [Logits] {
    try DeBERTaClassifier(folder: folder.path, pool: pool).classify(batch)
  }

  /// What is said of a folder in which nothing but these files is.
  private func sentence(_ files: [String: String], at place: String = "") throws -> String {
    let folder = try TinyFolder()
    for (name, text) in files {
      let path = URL(filePath: "\(folder.path)/\(name)")
      try FileManager.default.createDirectory(
        at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: path)
    }
    return try refusal(folder.path + place).replacing(folder.path, with: "DIR")
  }

  /// What judging and training both say.
  private func refusal(_ path: String) throws -> String {
    var texts: Set<String> = []
    do throws(ModelError) {
      _ = try LoadedModel(folder: path, pool: pool)
    } catch {
      texts.insert(error.description(in: path))
    }
    do throws(ModelError) {
      _ = try TrainableModel(folder: path, pool: pool)
    } catch {
      texts.insert(error.description(in: path))
    }
    #expect(texts.count == 1, "\(texts)")
    return try #require(texts.first)
  }

  // MARK: What loads

  @Test(arguments: ["module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod."])
  func whatTrainingWrapsAModelInIsTakenOff(wrapper: String) throws {
    let plain = try TinyFolder()
    try plain.write()
    for prefix in ["deberta.", ""] {
      let folder = try TinyFolder()
      folder.wrapper = wrapper
      folder.prefix = prefix
      try folder.write()
      #expect(try scores(folder) == scores(plain))
      let trained = try TrainableModel(folder: folder.path, pool: pool)
      #expect(trained.logits(of: batch).count == 2)
    }
  }

  @Test func anUnknownWrapperOrTwoModelsAreNoModel() throws {
    let strange = try TinyFolder()
    strange.wrapper = "teacher."
    try strange.write()
    #expect(try refusal(strange.path).contains("embeddings.word_embeddings.weight is missing"))
    let two = try TinyFolder()
    two.wrapper = "module."
    two.shapes["x.embeddings.word_embeddings.weight"] = [7, 4]
    try two.write()
    #expect(try refusal(two.path).contains("embeddings.word_embeddings.weight is missing"))
  }

  @Test func aByteOrderMarkIsNoMistake() throws {
    let folder = try TinyFolder()
    try folder.write(shards: 2)
    let expected = try scores(folder)
    for name in ["config.json", "model.safetensors.index.json"] {
      try folder.write(Data([0xEF, 0xBB, 0xBF]) + folder.read(name), to: name)
    }
    #expect(try scores(folder) == expected)
    let text = String(decoding: try folder.read("config.json"), as: UTF8.self)
    try folder.write(Data(text.replacing(",", with: ",\r\n").utf8), to: "config.json")
    #expect(try scores(folder) == expected)
  }

  @Test func theSnapshotOfACacheLoadsThroughItsLinks() throws {
    let folder = try TinyFolder()
    try folder.write()
    let expected = try scores(folder)
    let cache = try TinyFolder()
    let snapshot = "\(cache.path)/models--acme--guard/snapshots/abc"
    let files = FileManager.default
    try files.createDirectory(atPath: snapshot, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      let blob = "\(cache.path)/models--acme--guard/\(name).blob"
      try files.copyItem(atPath: "\(folder.path)/\(name)", toPath: blob)
      try files.createSymbolicLink(
        atPath: "\(snapshot)/\(name)", withDestinationPath: "../../\(name).blob")
    }
    #expect(try DeBERTaClassifier(folder: snapshot, pool: pool).classify(batch) == expected)
    for place in ["", "/models--acme--guard", "/models--acme--guard/snapshots"] {
      #expect(try refusal(cache.path + place).contains(snapshot), "\(place)")
    }
  }

  // MARK: What does not

  @Test(
    arguments: [
      ([:], "", "DIR: is an empty folder"),
      (
        ["config.json": "{}"], "/config.json", "DIR/config.json: is a file: give the folder that it"
      ),
      ([:], "/none", "DIR/none: there is no such folder"),
      (["model.safetensors": ""], "", "DIR: has weights but no config.json"),
      (["README.md": ""], "", "DIR: has no config.json: it is no model folder"),
      (["a/config.json": "{}", "b/x": ""], "", "the folder a in it has: give DIR/a"),
      (
        ["a/config.json": "{}", "b/config.json": "{}"], "",
        "2 folders in it have: give one, such as"
      ),
      (["v/config.json": "{}", "current/config.json": "{}"], "", "give its champion, DIR/current"),
      (
        ["refs/main": "b", "snapshots/a/config.json": "{}", "snapshots/b/config.json": "{}"], "",
        "DIR/snapshots/b"
      ),
      (
        ["snapshots/a/config.json": "{}", "snapshots/b/x": ""], "", "DIR/snapshots/a"
      ),
      (
        ["adapter_config.json": #"{"base_model_name_or_path": "acme/base\u001b[31m"}"#], "",
        "for acme/base[31m, not a model: merge it first"
      ),
      (["model.Q4_K_M.gguf": ""], "", "weights in GGUF (model.Q4_K_M.gguf) only"),
      (["onnx/model.onnx": ""], "", "weights in ONNX only"),
      (["pytorch_model.bin": ""], "", "AutoModelForSequenceClassification as M"),
    ] as [([String: String], String, String)])
  func whatIsNoModelFolderIsSaid(files: [String: String], place: String, words: String) throws {
    let sentence = try sentence(files, at: place)
    #expect(sentence.contains(words), "\(sentence)")
    #expect(!sentence.contains("\u{1B}"))
  }

  @Test(arguments: [
    ("pytorch_model.bin", "from transformers import DebertaV2ForSequenceClassification as M"),
    ("pytorch_model-00001-of-00002.bin", "convert them to safetensors, python3"),
    ("training.pt", "save them with transformers as safetensors"),
    ("tf_model.h5", "from_tf=True"), ("flax_model.msgpack", "from_flax=True"),
    ("model.gguf", "as label.teacher"), ("model.onnx", "that they were exported from"),
    ("adapter_config.json", "for its base model, not a model: merge it first"),
    ("model-00001-of-00002.safetensors", "without model.safetensors.index.json"),
    ("weights.safetensors", "has weights in weights.safetensors, where model.safetensors is read"),
    ("vocab.txt", "has no weights: model.safetensors is missing"),
  ])
  func otherWeightsAreSaid(name: String, words: String) throws {
    let folder = try TinyFolder()
    try folder.write()
    try FileManager.default.removeItem(atPath: folder.path + "/model.safetensors")
    try folder.write(Data("{}".utf8), to: name)
    let sentence = try refusal(folder.path)
    #expect(sentence.contains(words), "\(sentence)")
    #expect(sentence.hasPrefix("\(folder.path): "))
  }

  @Test(arguments: ["config.json", "model.safetensors", "model.safetensors.index.json"])
  func aPointerOfGitLFSIsSaidToBeOne(name: String) throws {
    let folder = try TinyFolder()
    try folder.write(shards: name.hasSuffix("index.json") ? 2 : 1)
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 2464616\n"
    try folder.write(Data(pointer.utf8), to: name)
    let sentence = try refusal(folder.path)
    #expect(sentence.hasPrefix("\(folder.path)/\(name): is a pointer of Git LFS"))
    #expect(sentence.contains("git lfs pull"))
  }

  @Test func aPartThatIsNotThereIsNamed() throws {
    let folder = try TinyFolder()
    try folder.write(shards: 3)
    try FileManager.default.removeItem(atPath: folder.path + "/model-1.safetensors")
    #expect(try refusal(folder.path).contains("model-1.safetensors: is missing, though"))
  }

  @Test(
    arguments: [
      ("model_type", "deberta", "first version"), ("model_type", "llama", "as label.teacher"),
      ("model_type", "qwen3_moe", "as label.teacher"),
      (
        "model_type", "modernbert",
        "another kind (model_type = modernbert), which is not computed here: take a "
      ),
      ("architectures", ["DebertaV2ForTokenClassification"], "does not classify texts"),
      ("problem_type", "regression", "is a regression"),
      (
        "quantization_config", ["quant_method": "bitsandbytes"],
        "quantized weights (quantization_config: bitsandbytes)"
      ),
    ] as [(String, any Sendable, String)])
  func otherModelsAreSaid(setting: String, value: any Sendable, words: String) throws {
    let folder = try TinyFolder()
    folder.settings[setting] = value
    try folder.write()
    let sentence = try refusal(folder.path)
    #expect(sentence.contains(words), "\(sentence)")
  }
}
