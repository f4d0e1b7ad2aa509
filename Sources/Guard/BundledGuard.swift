internal import Foundation
package import Settings

/// The guard model that comes with the program: see its `README.md` for what it can and cannot do.
package enum BundledGuard {
  /// Its folder's name, which is the model's in verdicts.
  package static let name = "guard-minilm"

  /// Its folder; nil where the program was copied without it.
  ///
  /// Looked for beside the program, where builds put it, and in `../share/sluice`, where packages
  /// do.
  package static var folder: String? {
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let home = program.deletingLastPathComponent()
    return ["sluice_Guard.resources", "../share/sluice"].lazy
      .map { home.appending(path: $0).appending(path: name).standardizedFileURL }
      .first { FileManager.default.fileExists(atPath: $0.path(percentEncoded: false)) }?
      .path(percentEncoded: false)
  }
}

extension ModelSettings {
  /// The folder or link that the settings name.
  ///
  /// - Throws: `GuardModelFailure` when they name the bundled model and it is not there.
  package var folder: String {
    get throws(GuardModelFailure) {
      guard path == Self.bundledPath else { return path }
      guard let folder = BundledGuard.folder else {
        throw .unusable("the bundled model is missing beside the program")
      }
      return folder
    }
  }
}
