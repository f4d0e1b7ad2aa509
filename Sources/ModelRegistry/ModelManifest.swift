package import Foundation

/// A version of a registry: the file `sluice.json` in its folder.
///
/// | key | meaning |
/// |---|---|
/// | `format` | 1 |
/// | `version` | the version's name |
/// | `created_at` | UTC, to the second |
/// | `hash` | 16 hexadecimal digits: the engine's hash of configuration, weights and tokenizer |
/// | `files` | for each other file of the folder `{"sha256": …, "bytes": …}` |
/// | `status`, `reasons` | candidate, champion, rejected or retired, and why |
///
/// `reasons` are left out where there are none. The other keys are those of `ModelDescription`.
package struct ModelManifest: Hashable, Sendable {
  /// The file's name in a model folder.
  package static let fileName = "sluice.json"
  private static let format = 1

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

  package let version: ModelVersion
  /// UTC, such as `2026-11-24T02:13:05Z`.
  package let createdAt: String
  /// 16 hexadecimal digits.
  package let hash: String
  package let files: [String: File]
  package var status: Status
  package var reasons: [String]
  package var description: ModelDescription
}

extension ModelManifest: Codable {
  enum CodingKeys: String, CodingKey {
    case format, version, hash, files, status, reasons
    case createdAt = "created_at"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    guard try container.decode(Int.self, forKey: .format) == Self.format else {
      throw DecodingError.dataCorruptedError(
        forKey: .format, in: container, debugDescription: "not a format of this program")
    }
    version = try container.decode(ModelVersion.self, forKey: .version)
    createdAt = try container.decode(String.self, forKey: .createdAt)
    hash = try container.decode(String.self, forKey: .hash)
    files = try container.decode([String: File].self, forKey: .files)
    status = try container.decode(Status.self, forKey: .status)
    reasons = try container.decodeIfPresent([String].self, forKey: .reasons) ?? []
    description = try ModelDescription(from: decoder)
  }

  package func encode(to encoder: any Encoder) throws {
    try description.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.format, forKey: .format)
    try container.encode(version, forKey: .version)
    try container.encode(createdAt, forKey: .createdAt)
    try container.encode(hash, forKey: .hash)
    try container.encode(files, forKey: .files)
    try container.encode(status, forKey: .status)
    try container.encodeIfPresent(reasons.isEmpty ? nil : reasons, forKey: .reasons)
  }
}

extension ModelManifest {
  /// The manifest of a model folder; nil when the folder is no version of a registry.
  ///
  /// - Throws: `RegistryError` of the kind `damaged` when the file is not what it should be.
  package static func read(folder: String) throws(RegistryError) -> ModelManifest? {
    try ManifestFile(folder: folder)?.manifest
  }

  /// The file's bytes.
  package func json() throws(RegistryError) -> Data {
    try ManifestFile.json(self, for: version.description)
  }
}
