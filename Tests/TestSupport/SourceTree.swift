package import Foundation

/// Finds files of this repository from within its tests.
package enum SourceTree {
  /// The repository's root.
  package static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file or folder under the root.
  package static func url(_ path: String) -> URL { root.appending(path: path) }

  /// A product of the build that this test program belongs to.
  package static func product(_ name: String) -> URL {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(filePath: own).deletingLastPathComponent().appending(path: name)
  }

  /// All files below a folder whose names end in one of `extensions`, in a stable order.
  package static func files(under folder: String, extensions: Set<String>) throws -> [URL] {
    let start = url(folder)
    let names = try FileManager.default.subpathsOfDirectory(atPath: start.path)
    return names.sorted().map { start.appending(path: $0) }
      .filter { extensions.contains($0.pathExtension) }
  }
}
