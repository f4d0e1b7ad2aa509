internal import Foundation
internal import ModelRegistry

/// What a registry says of the model that judges.
struct ModelLineage {
  /// The version in the folder, then those that it was made from, as far as they are still there.
  let versions: [DaemonStatus.Version]
  /// The last changes of the registry's champion, the last one first.
  let changes: [DaemonStatus.Change]

  private static let versionsMax = 6
  private static let changesMax = 10

  /// - Parameter folder: that of the model, all links followed; nil for one that is nowhere.
  init(folder: String?) {
    guard let folder, let manifest = try? ModelManifest.read(folder: folder) else {
      (versions, changes) = ([], [])
      return
    }
    let path = URL(filePath: folder).deletingLastPathComponent().path(percentEncoded: false)
    let registry = ModelRegistry(path: path)
    var versions = [DaemonStatus.Version(manifest)]
    var parent = manifest.description.parent
    while let version = parent, versions.count < Self.versionsMax {
      let manifest = try? registry.manifest(of: version)
      versions.append(
        manifest.map(DaemonStatus.Version.init)
          ?? DaemonStatus.Version(version: version.description, status: nil))
      parent = manifest?.description.parent
    }
    self.versions = versions
    let history = (try? registry.history()) ?? []
    changes = history.suffix(Self.changesMax).reversed().map { entry in
      DaemonStatus.Change(
        time: entry.time, action: entry.action.rawValue, version: entry.version.description,
        reason: entry.reason)
    }
  }
}

extension DaemonStatus.Version {
  fileprivate init(_ manifest: ModelManifest) {
    self.init(version: manifest.version.description, status: manifest.status.rawValue)
  }
}
