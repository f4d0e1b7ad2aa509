import Foundation

/// A small model with other labels than a golden folder's two, on the same encoder.
package final class CategoryModel: Sendable {
  private let directory: TemporaryDirectory

  /// The model's folder.
  package var path: String { directory.path }

  /// - Parameters:
  ///   - labels: the names, in their order.
  ///   - isMultiLabel: whether each label is a question of its own.
  package init(labels: [String], isMultiLabel: Bool = false) throws {
    directory = try TemporaryDirectory()
    let source = GoldenCase.url("v3-style")
    for name in ["spm.model", "tokenizer_config.json"] {
      try FileManager.default.copyItem(
        atPath: source.appending(path: name).path, toPath: directory.path + "/" + name)
    }
    let text = try Data(contentsOf: source.appending(path: "config.json"))
    var settings = try JSONSerialization.jsonObject(with: text) as? [String: Any] ?? [:]
    settings["id2label"] = Dictionary(
      uniqueKeysWithValues: labels.enumerated().map { (String($0), $1) })
    settings["problem_type"] = isMultiLabel ? "multi_label_classification" : nil
    try JSONSerialization.data(withJSONObject: settings)
      .write(to: URL(filePath: directory.path + "/config.json"))
    let weights = try Data(contentsOf: source.appending(path: "model.safetensors"))
    try Self.widened(weights, to: labels.count)
      .write(to: URL(filePath: directory.path + "/model.safetensors"))
  }

  /// The weights with a row for each label in the classifier: the golden ones, turned and scaled.
  ///
  /// Safetensors: eight bytes that count those of the header, the header in JSON, 32-bit floats.
  private static func widened(_ weights: Data, to labels: Int) throws -> Data {
    let headerBytes = weights.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let start = 8 + headerBytes
    let json = try JSONSerialization.jsonObject(with: weights[8..<start])
    var header = json as? [String: Any] ?? [:]
    var body = weights[start...]
    for (name, perRow) in [("classifier.weight", true), ("classifier.bias", false)] {
      guard let tensor = header[name] as? [String: Any],
        let range = tensor["data_offsets"] as? [Int], let shape = tensor["shape"] as? [Int]
      else { continue }
      let old = body[(start + range[0])..<(start + range[1])]
      let row = Array(old.prefix(perRow ? 4 * shape[1] : 4))
      let begin = body.count
      for label in 0..<labels {
        // Rotated by whole floats, each label looks at other columns.
        let shift = perRow ? 4 * (7 * label % (row.count / 4)) : 0
        body += row[shift...] + row[..<shift]
      }
      header[name] = [
        "dtype": "F32", "shape": perRow ? [labels, shape[1]] : [labels],
        "data_offsets": [begin, body.count],
      ]
    }
    return try packed(header, body)
  }

  /// A file without the bytes that no tensor claims any more.
  private static func packed(_ header: [String: Any], _ body: Data) throws -> Data {
    var header = header
    var packed = Data()
    for (name, value) in header.sorted(by: { $0.key < $1.key }) {
      guard var tensor = value as? [String: Any],
        let range = tensor["data_offsets"] as? [Int]
      else { continue }
      let begin = packed.count
      packed += body[(body.startIndex + range[0])..<(body.startIndex + range[1])]
      tensor["data_offsets"] = [begin, packed.count]
      header[name] = tensor
    }
    let text = try JSONSerialization.data(withJSONObject: header)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    return Data(length) + text + packed
  }
}
