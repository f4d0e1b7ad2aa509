internal import Basics
package import Files
internal import Foundation

/// Versions of a model in one folder, one of which is the champion.
///
/// ```
/// models/2026-11-24T02-13-05Z-3f9c2a1b/   a Hugging Face folder with sluice.json
/// models/current -> 2026-11-24T02-13-05Z-3f9c2a1b
/// models/previous -> …
/// models/history.jsonl                    who changed what, when and why
/// models/.lock                            held by the one process that changes something
/// ```
///
/// Readers take no lock. A crash at any moment leaves a `current` that can be loaded: versions
/// appear and links change by rename, and the next writer mends what was left half done. What the
/// links say is the truth; the status in the manifests follows.
package struct ModelRegistry: Sendable {
  package let path: String
  let files: DurableFiles

  /// A registry at `path`, which need not exist before the first registration.
  package init(path: String) {
    self.init(path: path) { () throws(FileError) in }
  }

  /// - Parameter afterStep: called after each change of a file; for tests that stop there.
  package init(path: String, afterStep: @escaping DurableFiles.Step) {
    self.path = path
    files = DurableFiles(afterStep: afterStep)
  }

  // MARK: Reading

  /// The champion; nil while there is none.
  package var current: ModelVersion? { version(linkedBy: "current") }
  /// The champion before, to which a rollback goes.
  package var previous: ModelVersion? { version(linkedBy: "previous") }

  /// All versions, oldest first.
  ///
  /// - Throws: `RegistryError` when there is no such folder.
  package func versions() throws(RegistryError) -> [ModelVersion] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw RegistryError(.missing, path, "there is no such folder")
    }
    return names.compactMap { ModelVersion($0) }.sorted()
  }

  /// Where a version's files are.
  package func folder(of version: ModelVersion) -> String { "\(path)/\(version)" }

  /// What is known of a version, its status as the links say it.
  package func manifest(of version: ModelVersion) throws(RegistryError) -> ModelManifest {
    guard FileManager.default.fileExists(atPath: folder(of: version)) else {
      throw RegistryError(.missing, version.description, "there is no such version")
    }
    guard var manifest = try ModelManifest.read(folder: folder(of: version)) else {
      throw RegistryError(.damaged, version.description, "has no \(ModelManifest.fileName)")
    }
    manifest.status = status(of: manifest)
    return manifest
  }

  /// The newest version whose hash begins with the digits that a verdict shows behind its `@`.
  package func version(hashPrefix: String) throws(RegistryError) -> ModelVersion? {
    try versions().last { $0.hashPrefix == hashPrefix }
  }

  /// Every change so far, oldest first.
  package func history() throws(RegistryError) -> [HistoryEntry] {
    try HistoryEntry.read(historyPath)
  }

  /// What is wrong with the files of a version, by their digests; empty when nothing is.
  package func problems(of version: ModelVersion) throws(RegistryError) -> [String] {
    let manifest = try manifest(of: version)
    let folder = folder(of: version)
    var problems: [String] = []
    if manifest.version != version { problems.append("the manifest is that of another version") }
    for (name, file) in manifest.files.sorted(by: { $0.key < $1.key }) {
      do throws(UnreadableFile) {
        let digest = try ContentDigest(file: "\(folder)/\(name)")
        if digest.description != file.sha256 { problems.append("\(name) has changed") }
      } catch {
        problems.append("\(name) \(error.reason)")
      }
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names.sorted()
    where manifest.files[name] == nil && name != ModelManifest.fileName
      && !name.hasSuffix(DurableFiles.temporarySuffix)
    {
      problems.append("\(name) was added")
    }
    return problems
  }

  // MARK: Helpers

  var historyPath: String { "\(path)/history.jsonl" }

  private func version(linkedBy name: String) -> ModelVersion? {
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(name)")
    // A link made by hand may be absolute.
    return target?.split(separator: "/").last.flatMap { ModelVersion($0) }
  }

  /// The status that follows from the links.
  func status(of manifest: ModelManifest) -> ModelManifest.Status {
    if manifest.version == current { return .champion }
    return manifest.status == .champion ? .retired : manifest.status
  }
}
