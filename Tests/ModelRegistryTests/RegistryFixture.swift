import Foundation
import ModelRegistry
import TestSupport
import Testing

/// Small models and a registry in a folder of their own.
struct RegistryFixture {
  let directory: TemporaryDirectory
  var path: String { directory.path + "/models" }

  init() throws {
    directory = try TemporaryDirectory()
  }

  var registry: ModelRegistry { ModelRegistry(path: path) }

  /// A folder with the files of a model; its number makes its contents and its hash.
  func candidate(_ number: Int, bytes: Int = 10) throws -> ModelCandidate {
    let folder = directory.path + "/source-\(number)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors"] {
      let contents = Data(repeating: UInt8(truncatingIfNeeded: number), count: bytes)
      try contents.write(to: URL(filePath: "\(folder)/\(name)"))
    }
    let digits = String(number, radix: 16)
    var candidate = ModelCandidate(
      folder: folder, hash: String(repeating: "0", count: 8 - digits.count) + digits + "00000000")
    candidate.createdAt = Date(timeIntervalSince1970: 1_764_000_000 + Double(number))
    return candidate
  }

  func register(_ number: Int) throws -> ModelVersion {
    try registry.register(try candidate(number), by: "test", reason: "test").version
  }
}
