import Foundation
internal import StrictJSON

extension TrainableModel {
  /// A configuration that tells the weights' number format and their class right, where it says
  /// anything of them.
  private func noted(_ format: WeightFormat, in configuration: Data) throws -> Data {
    guard
      case .object(let before) = try JSONCoder.decode(
        JSON.self, from: configuration.withoutByteOrderMark)
    else {
      return configuration
    }
    let name = JSON.text(format == .float32 ? "float32" : "float16")
    let architecture = JSON.text(self.configuration.backbone.classifierArchitecture)
    var object = before
    for (key, value) in [
      ("dtype", name), ("torch_dtype", name), ("architectures", .list([architecture])),
    ] where before[key] != nil { object[key] = value }
    return object == before
      ? configuration : try JSONCoder.encode(JSON.object(object), .pretty)
  }

  /// Writes `config.json`, `model.safetensors` and the tokenizer's files into `folder`, which
  /// exists and is empty; configuration and tokenizer are those of the model in `source`.
  package func save(
    to folder: String, like source: String, format: WeightFormat
  ) throws(ModelError) {
    let from = source + "/" + File.configuration
    guard let configuration = FileManager.default.contents(atPath: from) else {
      throw ModelError(File.configuration, .unreadable("cannot be copied"))
    }
    guard let noted = try? noted(format, in: configuration) else {
      throw ModelError(File.configuration, .malformed("not JSON"))
    }
    guard !ModelFolderWriter.tokenizer(of: source).allSatisfy(File.companions.contains) else {
      throw ModelError("tokenizer.json", .unreadable("not in the model that this one came from"))
    }
    let writer = ModelFolderWriter(folder: folder)
    try writer.copyTokenizer(of: source)
    try writer.finish(
      configuration: noted,
      parameters.layout.entries.map {
        OutgoingTensor(name: $0.name, parameters.tensor($0.name), format: format)
      })
  }
}
