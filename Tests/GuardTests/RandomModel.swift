import DeBERTa
import Foundation
import Tensors
import TestSupport

/// A folder with a small BERT of random weights and the tokenizer of another folder.
final class RandomModel {
  private let directory: TemporaryDirectory

  /// The model's folder.
  var path: String { directory.path + "/model" }

  /// - Parameters:
  ///   - settings: what stands in `config.json` besides, or instead.
  ///   - tokenizer: files of a tokenizer.
  init(
    _ settings: [String: Any] = [:],
    tokenizer: [URL] = ["spm.model", "tokenizer_config.json"].map {
      GoldenCase.url("v3-style").appending(path: $0)
    }
  ) throws {
    directory = try TemporaryDirectory()
    let source = directory.path + "/source"
    for path in [source, directory.path + "/model"] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }
    let all: [String: Any] = [
      "model_type": "bert", "vocab_size": 8064, "hidden_size": 32, "num_hidden_layers": 2,
      "num_attention_heads": 2, "intermediate_size": 48, "max_position_embeddings": 200,
    ].merging(settings) { $1 }
    let json = try JSONSerialization.data(withJSONObject: all)
    try json.write(to: URL(filePath: source + "/config.json"))
    for file in tokenizer {
      try FileManager.default.copyItem(
        atPath: file.path, toPath: source + "/" + file.lastPathComponent)
    }
    let model = TrainableModel(
      configuration: try ModelConfiguration(json: json), seed: 4, deviation: 0.3,
      pool: WorkerPool(workers: 1))
    try model.save(to: path, like: source, format: .float32)
  }
}
