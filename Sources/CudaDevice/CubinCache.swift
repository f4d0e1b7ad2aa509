internal import Basics
internal import Files
internal import Foundation

/// Compiled kernels on disk, so that only the first start on a host compiles them.
///
/// What it returns runs on the GPU with this process's rights: the folder must belong to this user
/// and be closed to all others, or it is not used. An entry begins with the SHA-256 of its rest; a
/// damaged one is built anew. Entries appear by rename, so several processes may share a folder.
package struct CubinCache: Sendable {
  /// Everything that machine code depends on.
  package struct Key: Sendable {
    fileprivate let digest: String

    /// - Parameters:
    ///   - compiler: its version.
    ///   - options: as given to the compiler.
    package init(
      source: String, headers: [String: String] = [:], architecture: String,
      compiler: CudaVersion, options: [String] = []
    ) {
      let sorted = headers.sorted { $0.key < $1.key }
      let parts =
        ["1", compiler.description, architecture, source]
        + ["\(options.count)"] + options + sorted.flatMap { [$0.key, $0.value] }
      // Lengths before the parts: no two lists of parts are the same bytes.
      let bytes = parts.flatMap { Array("\($0.utf8.count):".utf8) + Array($0.utf8) }
      digest = ContentDigest(of: bytes).description
    }
  }

  /// Where a cubin came from.
  package enum Origin: Hashable, Sendable {
    case cache
    case built
    /// Built, and not kept; why not.
    case notKept(reason: String)
  }

  private static let digestBytes = 32

  private let folder: String
  private let bytesMax: Int

  /// A cache in `folder`, which comes into being when it is first needed.
  ///
  /// - Parameter bytesMax: of all entries; beyond that the ones that were not used for longest go.
  package init(folder: String, bytesMax: Int = 256 << 20) {
    self.folder = folder
    self.bytesMax = bytesMax
  }

  /// The service's own folder under systemd, else the user's; nil without either.
  package static func standardFolder(environment: [String: String]) -> String? {
    // systemd gives a list; the first is the service's.
    if let folder = environment["CACHE_DIRECTORY"]?.split(separator: ":").first {
      return "\(folder)/cubins"
    }
    if let folder = environment["XDG_CACHE_HOME"], folder.hasPrefix("/") {
      return "\(folder)/sluice/cubins"
    }
    return environment["HOME"].map { "\($0)/.cache/sluice/cubins" }
  }

  /// The cubin of a key, built where the cache has none.
  package func cubin(
    _ key: Key, build: () throws(CudaFailure) -> [UInt8]
  ) throws(CudaFailure) -> (bytes: [UInt8], origin: Origin) {
    if let reason = preparationProblem() { return (try build(), .notKept(reason: reason)) }
    let path = "\(folder)/\(key.digest).cubin"
    if let bytes = read(path) { return (bytes, .cache) }
    let bytes = try build()
    do throws(FileError) {
      try write(bytes, to: path)
    } catch {
      return (bytes, .notKept(reason: error.description))
    }
    return (bytes, .built)
  }

  /// Makes the folder; what is wrong with it, if anything.
  private func preparationProblem() -> String? {
    let manager = FileManager.default
    if !manager.fileExists(atPath: folder) {
      do {
        try manager.createDirectory(
          atPath: folder, withIntermediateDirectories: true,
          attributes: [.posixPermissions: 0o700])
      } catch {
        return "\(folder): cannot be made"
      }
    }
    guard let attributes = try? manager.attributesOfItem(atPath: folder),
      attributes[.type] as? FileAttributeType == .typeDirectory,
      let owner = attributes[.ownerAccountID] as? Int,
      let permissions = attributes[.posixPermissions] as? Int
    else { return "\(folder): is no folder" }
    guard owner == Int(geteuid()) else { return "\(folder): belongs to another user" }
    guard permissions & 0o077 == 0 else { return "\(folder): is open to other users" }
    return nil
  }

  private func read(_ path: String) -> [UInt8]? {
    guard let data = try? Data(contentsOf: URL(filePath: path)), data.count > Self.digestBytes
    else { return nil }
    let bytes = Array(data.dropFirst(Self.digestBytes))
    guard Array(data.prefix(Self.digestBytes)) == ContentDigest(of: bytes).bytes else { return nil }
    // Used now: the oldest are removed first.
    try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: path)
    return bytes
  }

  private func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    let entry = Data(ContentDigest(of: bytes).bytes + bytes)
    try DurableFiles().replace(path, with: entry, permissions: 0o600)
    trim(keeping: path)
  }

  /// Removes the entries that were not used for longest until the rest is small enough.
  private func trim(keeping path: String) {
    let manager = FileManager.default
    let names = (try? manager.contentsOfDirectory(atPath: folder)) ?? []
    var entries: [(path: String, bytes: Int, used: Date)] = []
    for name in names where name.hasSuffix(".cubin") {
      let path = "\(folder)/\(name)"
      guard let attributes = try? manager.attributesOfItem(atPath: path),
        let bytes = attributes[.size] as? Int, let used = attributes[.modificationDate] as? Date
      else { continue }
      entries.append((path, bytes, used))
    }
    var total = entries.reduce(0) { $0 + $1.bytes }
    for entry in entries.sorted(by: { $0.used < $1.used })
    where total > bytesMax && entry.path != path {
      try? manager.removeItem(atPath: entry.path)
      total -= entry.bytes
    }
  }
}
