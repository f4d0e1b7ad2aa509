internal import Foundation
internal import StrictJSON

/// What lies in a folder, to say what it is where no model can be read from it.
struct FolderContents {
  private let path: String
  private let names: Set<String>

  /// Lists the folder.
  ///
  /// - Throws: when there is none.
  init(path: String) throws(ModelError) {
    self.path = path
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ModelError("", .noModel("there is no such folder"))
    }
    guard isFolder.boolValue else {
      let folder = (path as NSString).deletingLastPathComponent
      throw ModelError(
        "", .noModel("is a file: give the folder that it is in, \(folder.isEmpty ? "." : folder)"))
    }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw ModelError("", .noModel("is a folder that may not be read"))
    }
    self.names = Set(names)
  }

  /// Refuses a folder without `config.json`.
  func requireConfiguration() throws(ModelError) {
    if names.contains(File.configuration) { return }
    throw ModelError("", .noModel(withoutConfiguration))
  }

  /// Refuses a folder with a `config.json` but without weights that are read.
  ///
  /// - Parameter architecture: the class that `config.json` names first.
  func requireWeights(architecture: String?) throws(ModelError) {
    if has(File.weights) || has(File.weightIndex) { return }
    throw ModelError("", .noModel(otherWeights(architecture) ?? "has no weights: \(Self.download)"))
  }

  private func has(_ name: String) -> Bool { names.contains(name) }

  private static let download = "model.safetensors is missing, download all of the model's files"

  private var withoutConfiguration: String {
    if names.isEmpty {
      return "is an empty folder: it needs config.json, model.safetensors and a tokenizer's files"
    }
    if names.contains("snapshots"), let found = Self.snapshot(in: path) {
      return "is a model in the cache of Hugging Face: give its snapshot, \(found)"
    }
    if let found = cachedModel {
      return "is the cache of Hugging Face: give the snapshot of a model in it, such as \(found)"
    }
    if has(File.weights) || has(File.weightIndex) {
      return "has weights but no config.json, which says what they are: download that, too"
    }
    if let sentence = adapter ?? deeperModel ?? otherWeights(nil) { return sentence }
    return "has no config.json: it is no model folder in Hugging Face's layout"
  }

  // MARK: A model elsewhere

  /// The folder of a model below, as where an archive was unpacked into a folder of its own.
  private var deeperModel: String? {
    let found = names.sorted().prefix(1000).filter { Self.isModel("\(path)/\($0)") }
    guard let first = found.first else { return nil }
    if found.contains("current") {
      return "is a registry of models: give its champion, \(path)/current"
    }
    if found.count == 1 {
      return "has no config.json, but the folder \(first) in it has: give \(path)/\(first)"
    }
    return "has no config.json, but \(found.count) folders in it have: give one, such as "
      + "\(path)/\(first)"
  }

  private var cachedModel: String? {
    names.sorted().filter { $0.hasPrefix("models--") }.lazy
      .compactMap { Self.snapshot(in: "\(path)/\($0)") }.first
  }

  /// The snapshot that the branch `main` of a cached model stands for, else the last by its name.
  private static func snapshot(in folder: String) -> String? {
    let folders = "\(folder)/snapshots"
    let main = (try? String(contentsOfFile: "\(folder)/refs/main", encoding: .utf8)) ?? ""
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folders)) ?? []
    let candidates = [main.trimmingCharacters(in: .whitespacesAndNewlines)] + names.sorted(by: >)
    return candidates.filter { !$0.isEmpty }.map { "\(folders)/\($0)" }.first(where: isModel)
  }

  private static func isModel(_ folder: String) -> Bool {
    FileManager.default.fileExists(atPath: "\(folder)/\(File.configuration)")
  }

  // MARK: Other formats

  private func file(endingIn suffix: String) -> String? {
    names.sorted().first { $0.hasSuffix(suffix) }
  }

  /// A part of a model, which is nothing by itself.
  private var adapter: String? {
    let name = "adapter_config.json"
    guard names.contains(name) else { return nil }
    struct Adapter: Decodable {
      let base_model_name_or_path: String?
    }
    let data = FileManager.default.contents(atPath: "\(path)/\(name)") ?? Data()
    let found = (try? JSONCoder.decode(Adapter.self, from: data))?.base_model_name_or_path ?? ""
    let base = found.isEmpty ? "its base model" : String(found.printable.prefix(120))
    return "is an adapter of peft (LoRA and the like) for \(base), not a model: merge it first, "
      + "python3 -c \"from peft import AutoPeftModelForSequenceClassification as M; "
      + "M.from_pretrained('\(path)').merge_and_unload().save_pretrained('MERGED')\", and put the "
      + "tokenizer's files beside the result"
  }

  /// What there is instead of safetensors; nil when there is nothing.
  private func otherWeights(_ architecture: String?) -> String? {
    if let adapter { return adapter }
    if let part = names.sorted().first(where: { $0.hasSuffix(".safetensors") }) {
      return part.contains("-of-")
        ? "has parts of weights without model.safetensors.index.json, which says what is in each: "
          + "download that, too"
        : "has weights in \(part), where model.safetensors is read: rename it if it is the model"
    }
    if let file = file(endingIn: ".bin") ?? file(endingIn: ".pt") ?? file(endingIn: ".pth") {
      let standard = file.hasPrefix("pytorch_model")
      return "has weights in PyTorch's own format (\(file)) only, which may run code when they are "
        + (standard
          ? "read: convert them to safetensors, \(conversion(architecture, ""))"
          : "read: save them with transformers as safetensors")
    }
    if let file = file(endingIn: ".h5") {
      return "has weights of TensorFlow (\(file)) only: convert them with transformers 4, "
        + conversion(architecture, ", from_tf=True")
    }
    if let file = file(endingIn: ".msgpack") {
      return "has weights of Flax (\(file)) only: convert them with transformers 4, "
        + conversion(architecture, ", from_flax=True")
    }
    if let file = file(endingIn: ".gguf") {
      return "has weights in GGUF (\(file)) only, which llama.cpp runs: a guard's own "
        + "model.safetensors is needed here; a chat model is asked over HTTP, as label.teacher"
    }
    if file(endingIn: ".onnx") != nil || names.contains("onnx") {
      return "has weights in ONNX only: download model.safetensors of the model that they were "
        + "exported from"
    }
    return nil
  }

  /// A command that writes `model.safetensors` into the folder.
  private func conversion(_ architecture: String?, _ options: String) -> String {
    let plain = architecture.flatMap {
      $0.allSatisfy { $0.isASCII && $0.isLetter || $0.isNumber } ? $0 : nil
    }
    let name = plain ?? "AutoModelForSequenceClassification"
    return "python3 -c \"from transformers import \(name) as M; "
      + "M.from_pretrained('\(path)'\(options)).save_pretrained('\(path)')\""
  }
}

extension String {
  /// The text without characters that a terminal would obey.
  var printable: String {
    String(unicodeScalars.filter { $0.properties.generalCategory != .control })
  }
}
