package import Foundation
package import StrictJSON

/// What is known of a model: the file `sluice.json` in its folder.
///
/// | key | meaning |
/// |---|---|
/// | `format` | 1 |
/// | `version`, `parent` | names of versions; `parent` is absent for a model that came from
/// elsewhere |
/// | `created_at` | UTC, to the second |
/// | `hash` | 16 hexadecimal digits: the engine's hash of configuration, weights and tokenizer |
/// | `files` | for each other file of the folder `{"sha256": …, "bytes": …}` |
/// | `training_data` | a list of `{"name": …, "sha256": …}` |
/// | `recipe`, `metrics` | any objects |
/// | `status`, `reasons` | candidate, champion, rejected or retired, and why |
///
/// What is empty is left out, save `files`.
/// Other keys, such as `calibration`, are kept as they are when the file is written again.
package struct ModelManifest: Hashable, Sendable {
  /// The file's name in a model folder.
  package static let fileName = "sluice.json"
  static let format = 1
  static let bytesMax = 16 << 20

  /// Where a model stands.
  package enum Status: String, Codable, Hashable, Sendable, CaseIterable {
    case candidate
    case champion
    case rejected
    case retired
  }

  /// A file of the folder.
  package struct File: Codable, Hashable, Sendable {
    /// 64 hexadecimal digits.
    package let sha256: String
    package let bytes: Int64

    package init(sha256: String, bytes: Int64) {
      self.sha256 = sha256
      self.bytes = bytes
    }
  }

  /// A data set that the model was trained on.
  package struct DataSet: Codable, Hashable, Sendable {
    package let name: String
    /// 64 hexadecimal digits.
    package let sha256: String

    package init(name: String, sha256: String) {
      self.name = name
      self.sha256 = sha256
    }
  }

  package let version: ModelVersion
  package let parent: ModelVersion?
  /// UTC, such as `2026-11-24T02:13:05Z`.
  package let createdAt: String
  /// 16 hexadecimal digits.
  package let hash: String
  package let files: [String: File]
  package let trainingData: [DataSet]
  package let recipe: [String: JSON]
  package var metrics: [String: JSON]
  package var status: Status
  package var reasons: [String]
  /// Every other key of the file.
  package var others: [String: JSON]
}

extension ModelManifest: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(_ name: String) { stringValue = name }
  }

  private static let knownKeys: Set<String> = [
    "format", "version", "parent", "created_at", "hash", "files", "training_data", "recipe",
    "metrics", "status", "reasons",
  ]

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    guard try container.decode(Int.self, forKey: Key("format")) == Self.format else {
      throw DecodingError.dataCorruptedError(
        forKey: Key("format"), in: container, debugDescription: "not a format of this program")
    }
    version = try container.decode(ModelVersion.self, forKey: Key("version"))
    parent = try container.decodeIfPresent(ModelVersion.self, forKey: Key("parent"))
    createdAt = try container.decode(String.self, forKey: Key("created_at"))
    hash = try container.decode(String.self, forKey: Key("hash"))
    files = try container.decode([String: File].self, forKey: Key("files"))
    trainingData =
      try container.decodeIfPresent([DataSet].self, forKey: Key("training_data")) ?? []
    recipe = try container.decodeIfPresent([String: JSON].self, forKey: Key("recipe")) ?? [:]
    metrics = try container.decodeIfPresent([String: JSON].self, forKey: Key("metrics")) ?? [:]
    status = try container.decode(Status.self, forKey: Key("status"))
    reasons = try container.decodeIfPresent([String].self, forKey: Key("reasons")) ?? []
    others = [:]
    for key in container.allKeys where !Self.knownKeys.contains(key.stringValue) {
      others[key.stringValue] = try container.decode(JSON.self, forKey: key)
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(Self.format, forKey: Key("format"))
    try container.encode(version, forKey: Key("version"))
    try container.encodeIfPresent(parent, forKey: Key("parent"))
    try container.encode(createdAt, forKey: Key("created_at"))
    try container.encode(hash, forKey: Key("hash"))
    try container.encode(files, forKey: Key("files"))
    try container.encodeIfPresent(
      trainingData.isEmpty ? nil : trainingData, forKey: Key("training_data"))
    try container.encodeIfPresent(recipe.isEmpty ? nil : recipe, forKey: Key("recipe"))
    try container.encodeIfPresent(metrics.isEmpty ? nil : metrics, forKey: Key("metrics"))
    try container.encode(status, forKey: Key("status"))
    try container.encodeIfPresent(reasons.isEmpty ? nil : reasons, forKey: Key("reasons"))
    for (name, value) in others where !Self.knownKeys.contains(name) {
      try container.encode(value, forKey: Key(name))
    }
  }
}

extension ModelManifest {
  /// The manifest of a model folder; nil when it has none.
  ///
  /// - Throws: `RegistryError` of the kind `damaged` when the file is not a manifest.
  package static func read(folder: String) throws(RegistryError) -> ModelManifest? {
    let path = "\(folder)/\(fileName)"
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    guard let data = FileManager.default.contents(atPath: path), data.count <= bytesMax else {
      throw RegistryError(.damaged, path, "cannot be read, or is larger than \(bytesMax) bytes")
    }
    do throws(JSONError) {
      return try JSONCoder.decode(from: data)
    } catch {
      throw RegistryError(.damaged, path, error.problem)
    }
  }

  /// The file's bytes: sorted keys, one a line.
  package var json: Data {
    // Nothing here fails to encode: JSON has no number that is not finite.
    (try? JSONCoder.encode(self, .pretty)) ?? Data()
  }
}
