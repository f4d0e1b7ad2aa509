internal import Basics
internal import Files
package import Foundation

/// A model that is to become a version.
package struct ModelCandidate: Sendable {
  /// The folder to copy; its plain files are taken, save hidden ones.
  package var folder: String
  /// The engine's hash of the model, 16 hexadecimal digits.
  package var hash: String
  package var createdAt = Date()
  package var status = ModelManifest.Status.candidate
  package var reasons: [String] = []
  package var description = ModelDescription()

  package init(folder: String, hash: String) {
    self.folder = folder
    self.hash = hash
  }
}

extension ModelRegistry {
  /// Copies a model into the registry under a new name. It is complete or not there at all.
  @discardableResult
  package func register(
    _ candidate: ModelCandidate, by: String, reason: String
  ) throws(RegistryError) -> ModelManifest {
    guard let version = ModelVersion(createdAt: candidate.createdAt, hash: candidate.hash) else {
      throw RegistryError(.refused, candidate.folder, "its hash is not hexadecimal")
    }
    let names = try Self.plainFiles(in: candidate.folder)
    let lock = try beginChange()
    defer { withExtendedLifetime(lock) {} }
    guard !FileManager.default.fileExists(atPath: folder(of: version)) else {
      throw RegistryError(.exists, version.description, "the version is there already")
    }
    let unfinished = "\(path)/.\(version)\(DurableFiles.temporarySuffix)"
    let manifest: ModelManifest
    do throws(RegistryError) {
      manifest = try fill(unfinished, with: candidate, names, as: version)
      try change(try files.move(unfinished, to: folder(of: version)))
    } catch {
      // A full disk is not to be kept full by half a model.
      files.discard(folder: unfinished)
      throw error
    }
    try change(try files.sync(folder: path))
    try note(HistoryEntry(.register, version, by: by, reason: reason))
    return manifest
  }

  /// Copies a candidate's files into a new folder and adds their manifest.
  private func fill(
    _ folder: String, with candidate: ModelCandidate, _ names: [String], as version: ModelVersion
  ) throws(RegistryError) -> ModelManifest {
    try change(try files.makeFolder(folder))
    var digests: [String: ModelManifest.File] = [:]
    for name in names {
      let copy = "\(folder)/\(name)"
      try change(try files.copy("\(candidate.folder)/\(name)", to: copy))
      digests[name] = try Self.digest(of: copy)
    }
    let manifest = ModelManifest(
      version: version, createdAt: timestamp(candidate.createdAt),
      hash: candidate.hash, files: digests, status: candidate.status, reasons: candidate.reasons,
      description: candidate.description)
    let json = try manifest.json()
    try change(try files.create("\(folder)/\(ModelManifest.fileName)", with: json))
    try change(try files.sync(folder: folder))
    return manifest
  }

  /// Makes a version the champion, after its digests have been checked.
  ///
  /// - Parameter champion: what must be the champion until then; nil for whatever is.
  /// - Throws: `RegistryError`; then the champion is the one before, unless the error says
  ///   otherwise.
  package func promote(
    _ version: ModelVersion, over champion: ModelVersion? = nil, by: String, reason: String
  ) throws(RegistryError) {
    let lock = try beginChange()
    defer { withExtendedLifetime(lock) {} }
    let manifest = try manifest(of: version)
    if version == current { return }
    if let champion, champion != current {
      throw RegistryError(
        .refused, version.description,
        "was made to follow \(champion), which is not the champion any more")
    }
    guard manifest.status != .rejected else {
      throw RegistryError(
        .refused, version.description,
        "was rejected: \(manifest.reasons.joined(separator: ", "))")
    }
    try makeChampion(version, .promote, by: by, reason: reason)
  }

  /// Makes the champion before the champion again.
  @discardableResult
  package func rollback(by: String, reason: String) throws(RegistryError) -> ModelVersion {
    let lock = try beginChange()
    defer { withExtendedLifetime(lock) {} }
    guard let previous, previous != current else {
      throw RegistryError(.refused, path, "there is no previous champion")
    }
    try makeChampion(previous, .rollback, by: by, reason: reason)
    return previous
  }

  /// Removes the oldest versions until `keep` are left, never the champion or the one before.
  @discardableResult
  package func prune(keep: Int, by: String) throws(RegistryError) -> [ModelVersion] {
    let lock = try beginChange()
    defer { withExtendedLifetime(lock) {} }
    var versions = try versions()
    var removed: [ModelVersion] = []
    for version in versions where version != current && version != previous {
      if versions.count <= max(0, keep) { break }
      let hidden = "\(path)/.\(version)\(DurableFiles.temporarySuffix)"
      try change(try files.move(folder(of: version), to: hidden))
      try change(try files.removeFolder(hidden))
      try note(HistoryEntry(.prune, version, by: by, reason: "keeping \(keep)"))
      removed.append(version)
      versions.removeAll { $0 == version }
    }
    return removed
  }

  /// Changes a version's status, reasons or description.
  package func update(
    _ version: ModelVersion, _ change: (inout ModelManifest) -> Void
  ) throws(RegistryError) {
    let lock = try beginChange()
    defer { withExtendedLifetime(lock) {} }
    var manifest = try manifest(of: version)
    change(&manifest)
    manifest.status = status(of: manifest)
    try write(manifest)
  }

  // MARK: Steps

  private func makeChampion(
    _ version: ModelVersion, _ action: HistoryEntry.Action, by: String, reason: String
  ) throws(RegistryError) {
    if let problem = try problems(of: version).first {
      throw RegistryError(.damaged, version.description, problem)
    }
    let before = current
    if let before { try change(try files.link("\(path)/previous", to: before.description)) }
    do throws(RegistryError) {
      try change(try files.link("\(path)/current", to: version.description))
      try note(HistoryEntry(action, version, previous: before, by: by, reason: reason))
      try alignStatuses()
    } catch {
      guard current == version else { throw error }
      // The next change makes up for what is missing here (`beginChange`).
      throw RegistryError(
        error.kind, error.subject,
        "\(error.problem); \(version) is the champion, but not all of its history is written")
    }
  }

  /// Takes the lock and mends what a crash may have left.
  private func beginChange() throws(RegistryError) -> FileLock {
    try withFileErrors(as: RegistryError.init, try Folders.make(path))
    let lock = try withFileErrors(as: RegistryError.init, try FileLock("\(path)/.lock"))
    try removeUnfinished()
    try mendLinks()
    try alignStatuses()
    return lock
  }

  private func removeUnfinished() throws(RegistryError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    for name in names where name.hasSuffix(DurableFiles.temporarySuffix) {
      let isFolder = name.hasPrefix(".")
      if isFolder {
        try change(try files.removeFolder("\(path)/\(name)"))
      } else {
        try change(try files.removeFile("\(path)/\(name)"))
      }
    }
  }

  /// A crash between the two links leaves both on one version, and one after them no history.
  private func mendLinks() throws(RegistryError) {
    guard let current else { return }
    let last = try history().last { $0.changesChampion }
    if previous == current {
      if let before = last?.previous, before != current,
        FileManager.default.fileExists(atPath: folder(of: before))
      {
        try change(try files.link("\(path)/previous", to: before.description))
      } else {
        try change(try files.removeFile("\(path)/previous"))
      }
    }
    if last?.version != current {
      try note(
        HistoryEntry(
          .recover, current, previous: previous, by: "sluice",
          reason: "a change was interrupted before it was noted"))
    }
  }

  private func alignStatuses() throws(RegistryError) {
    for version in try versions() {
      // What cannot be read is left for `problems` to tell.
      guard var manifest = try? ModelManifest.read(folder: folder(of: version)),
        manifest.status != status(of: manifest)
      else { continue }
      manifest.status = status(of: manifest)
      try write(manifest)
    }
  }

  private func write(_ manifest: ModelManifest) throws(RegistryError) {
    let json = try manifest.json()
    try change(
      try files.replace(
        "\(folder(of: manifest.version))/\(ModelManifest.fileName)", with: json))
  }

  private func note(_ entry: HistoryEntry) throws(RegistryError) {
    try change(try files.append(entry.line, to: historyPath))
  }

  /// Changes files; what the system refuses is an error of the registry.
  private func change(
    _ step: @autoclosure () throws(FileError) -> Void
  ) throws(RegistryError) {
    try withFileErrors(as: RegistryError.init, try step())
  }

  private static func digest(of path: String) throws(RegistryError) -> ModelManifest.File {
    let digest: ContentDigest
    do throws(UnreadableFile) {
      digest = try ContentDigest(file: path)
    } catch {
      throw RegistryError(.system, path, error.reason)
    }
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    let bytes = (attributes?[.size] as? NSNumber)?.int64Value ?? 0
    return ModelManifest.File(sha256: digest.description, bytes: bytes)
  }

  private static func plainFiles(in folder: String) throws(RegistryError) -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder) else {
      throw RegistryError(.missing, folder, "there is no such folder")
    }
    return names.sorted().filter { name in
      var isFolder: ObjCBool = false
      let exists = unsafe FileManager.default.fileExists(
        atPath: "\(folder)/\(name)", isDirectory: &isFolder)
      return exists && !isFolder.boolValue && !name.hasPrefix(".")
        && name != ModelManifest.fileName && !name.hasSuffix(DurableFiles.temporarySuffix)
    }
  }
}
