import Foundation
import TestSupport

/// The targets of Package.swift, layer by layer, as its text declares them.
struct PackageLayout {
  struct Target {
    let name: String
    let layer: Int
    /// Targets of this package that it declares as dependencies.
    let dependencies: Set<String>
  }

  /// Whether a module is of the C boundary, by its name: a C before another capital.
  static func isC(_ name: String) -> Bool {
    name.hasPrefix("C") && name.dropFirst().first?.isUppercase == true
  }

  static let layerNames = [
    "cBoundary", "base", "foundations", "engine", "streaming", "operation", "composition",
    "executables",
  ]

  let targets: [Target]

  init() throws {
    let text = try String(contentsOf: SourceTree.url("Package.swift"), encoding: .utf8)
    var found: [(name: String, layer: Int, text: Substring)] = []
    for (layer, name) in Self.layerNames.enumerated() {
      guard let start = text.range(of: "let \(name): [Target] = [\n") else { continue }
      guard let end = text.range(of: "\n]\n", range: start.upperBound..<text.endIndex) else {
        continue
      }
      let block = text[start.upperBound..<end.lowerBound]
      for declaration in block.split(separator: /\n  \./) {
        guard let match = declaration.firstMatch(of: /name: "([\w-]+)"/) else { continue }
        found.append((String(match.1), layer, declaration))
      }
    }
    let names = Set(found.map(\.name))
    targets = found.map { name, layer, declaration in
      let quoted = declaration.matches(of: /"([\w-]+)"/).map { String($0.1) }
      return Target(
        name: name, layer: layer, dependencies: Set(quoted).intersection(names).subtracting([name]))
    }
  }

  /// The modules that a Swift target's files import.
  static func imports(of target: String) throws -> Set<String> {
    var modules: Set<String> = []
    for file in try SourceTree.files(under: "Sources/\(target)", extensions: ["swift"]) {
      let text = try String(contentsOf: file, encoding: .utf8)
      for line in text.split(separator: "\n") {
        if let match = line.firstMatch(of: /^(?:\w+ )?import (\w+)/) {
          modules.insert(String(match.1))
        }
      }
    }
    return modules
  }
}
