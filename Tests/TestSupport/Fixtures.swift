import Foundation

/// Where the files in Tests/Fixtures are.
package enum Fixtures {
  /// The folder Tests/Fixtures of this checkout.
  package static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures").path()

  /// A model folder with reference results.
  package static func golden(_ name: String) -> String { folder + "/golden/" + name }
}
