import Foundation

/// A small model whose weights are a golden folder's, shrunk: its scores hardly depend on rounding,
/// so that a GPU in 16 bits agrees with the CPU.
package final class GentleModel: Sendable {
  private let directory: TemporaryDirectory

  /// The model's folder.
  package var path: String { directory.path }

  /// - Parameter settings: what stands in `config.json` instead.
  package init(_ settings: [String: Int] = [:]) throws {
    directory = try TemporaryDirectory()
    let source = GoldenCase.url("v3-style")
    for name in ["spm.model", "tokenizer_config.json"] {
      try FileManager.default.copyItem(
        atPath: source.appending(path: name).path, toPath: directory.path + "/" + name)
    }
    func write(_ data: Data, _ name: String) throws {
      try data.write(to: URL(filePath: directory.path + "/" + name))
    }
    let text = try Data(contentsOf: source.appending(path: "config.json"))
    let known = try JSONSerialization.jsonObject(with: text) as? [String: Any] ?? [:]
    let changed = known.merging(settings) { $1 }
    try write(try JSONSerialization.data(withJSONObject: changed), "config.json")
    // Safetensors: eight bytes that count those of the header, the header, 32-bit floats.
    var weights = [UInt8](try Data(contentsOf: source.appending(path: "model.safetensors")))
    let header = weights.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    for place in stride(from: 8 + header, to: weights.count, by: 4) {
      let bits = weights[place..<place + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let small = (Float(bitPattern: bits) * 0.3).bitPattern
      for byte in 0..<4 { weights[place + byte] = UInt8(truncatingIfNeeded: small >> (8 * byte)) }
    }
    try write(Data(weights), "model.safetensors")
  }
}
