import Foundation

/// A model folder of a few hundred floats in the temporary directory, to break in tests.
final class TinyFolder {
  /// The folder.
  let path: String
  /// Settings of `config.json`.
  var settings: [String: Any] = [
    "model_type": "deberta-v2", "architectures": ["DebertaV2ForSequenceClassification"],
    "vocab_size": 7, "hidden_size": 4, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 6, "hidden_act": "gelu", "max_position_embeddings": 12,
    "type_vocab_size": 0, "layer_norm_eps": 1e-7, "relative_attention": true,
    "max_relative_positions": -1, "position_buckets": 4, "norm_rel_ebd": "layer_norm",
    "share_att_key": true, "pos_att_type": ["p2c", "c2p"], "position_biased_input": false,
    "pooler_hidden_act": "gelu", "pooler_hidden_size": 4,
  ]
  /// Shapes of the tensors.
  var shapes: [String: [Int]]
  /// Number format of every tensor.
  var format = "F32"
  /// What stands before every name.
  var wrapper = ""
  /// Prefix of the backbone's names.
  var prefix = "deberta."

  init() throws {
    path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    shapes = [
      "embeddings.word_embeddings.weight": [7, 4], "encoder.rel_embeddings.weight": [8, 4],
      "pooler.dense.weight": [4, 4], "pooler.dense.bias": [4], "classifier.weight": [2, 4],
      "classifier.bias": [2],
    ]
    for name in ["embeddings", "encoder"] { addNorm(name + ".LayerNorm") }
    for layer in 0..<2 {
      let name = "encoder.layer.\(layer)."
      for map in ["query_proj", "key_proj", "value_proj"] {
        addLinear(name + "attention.self." + map, from: 4, to: 4)
      }
      addLinear(name + "attention.output.dense", from: 4, to: 4)
      addLinear(name + "intermediate.dense", from: 4, to: 6)
      addLinear(name + "output.dense", from: 6, to: 4)
      addNorm(name + "attention.output.LayerNorm")
      addNorm(name + "output.LayerNorm")
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Adds a weight and a bias.
  func addLinear(_ name: String, from inputs: Int, to outputs: Int) {
    shapes[name + ".weight"] = [outputs, inputs]
    shapes[name + ".bias"] = [outputs]
  }

  private func addNorm(_ name: String) {
    shapes[name + ".weight"] = [4]
    shapes[name + ".bias"] = [4]
  }

  /// Writes `config.json` and the weights, in one file or in several with an index.
  func write(shards: Int = 1) throws {
    try write(JSONSerialization.data(withJSONObject: settings), to: "config.json")
    let names = shapes.keys.sorted()
    if shards == 1 { return try write(weights(names), to: "model.safetensors") }
    var files: [String: String] = [:]
    for shard in 0..<shards {
      let file = "model-\(shard).safetensors"
      let part = names.enumerated().filter { $0.offset % shards == shard }.map(\.element)
      for name in part { files[saved(name)] = file }
      try write(weights(part), to: file)
    }
    try write(
      JSONSerialization.data(withJSONObject: ["weight_map": files]),
      to: "model.safetensors.index.json")
  }

  /// Replaces a file.
  func write(_ data: Data, to name: String) throws {
    try data.write(to: URL(filePath: path + "/" + name))
  }

  /// A file's bytes.
  func read(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: path + "/" + name))
  }

  /// A safetensors file from header text and data.
  static func safetensors(header: String, data: Data, padTo alignment: Int = 8) -> Data {
    let text = header + String(repeating: " ", count: (alignment - header.utf8.count % 8) % 8)
    let length = UInt64(text.utf8.count)
    return Data((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }) + Data(text.utf8)
      + data
  }

  private func saved(_ name: String) -> String {
    wrapper + (name.hasPrefix("embeddings") || name.hasPrefix("encoder") ? prefix + name : name)
  }

  private func weights(_ names: [String]) throws -> Data {
    var header: [String: Any] = ["__metadata__": ["format": "pt"]]
    var data = Data()
    for name in names {
      let shape = shapes[name] ?? []
      let start = data.count
      for index in 0..<shape.reduce(1, *) { append(value(name, index), to: &data) }
      header[saved(name)] = [
        "dtype": format, "shape": shape, "data_offsets": [start, data.count],
      ]
    }
    let text = String(decoding: try JSONSerialization.data(withJSONObject: header), as: UTF8.self)
    return TinyFolder.safetensors(header: text, data: data)
  }

  /// Multiples of 1/8, which all formats hold exactly.
  private func value(_ name: String, _ index: Int) -> Float {
    let seed = name.utf8.reduce(index) { ($0 &* 31 &+ Int($1)) & 0xFFFF }
    return Float(seed % 17 - 8) / 8
  }

  private func append(_ value: Float, to data: inout Data) {
    let bits: (UInt64, Int) =
      switch format {
      case "F16": (UInt64(Float16(value).bitPattern), 2)
      case "BF16": (UInt64(value.bitPattern >> 16), 2)
      case "F64": (Double(value).bitPattern, 8)
      default: (UInt64(value.bitPattern), 4)
      }
    for byte in 0..<bits.1 { data.append(UInt8(truncatingIfNeeded: bits.0 >> (8 * UInt64(byte)))) }
  }
}
