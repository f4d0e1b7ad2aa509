internal import FoundationEssentials
package import Yams

/// Reads the text and the nodes of a settings file.
package enum SettingsDocument {
  /// Bytes that a settings file may have.
  package static let bytesMax = 1 << 20

  /// The text of a file.
  ///
  /// - Throws: `SettingsError` when it cannot be read, is too large or no text.
  package static func read(_ file: String, _ collector: ProblemCollector) throws(SettingsError)
    -> String
  {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: file))
    } catch {
      collector.add("cannot be read", at: nil, path: "")
      throw collector.error ?? SettingsError(problems: [])
    }
    if data.count > bytesMax {
      collector.add("is larger than \(bytesMax) bytes", at: nil, path: "")
    }
    guard let text = String(validating: data, as: UTF8.self), collector.error == nil else {
      if collector.error == nil { collector.add("is not UTF-8 text", at: nil, path: "") }
      throw collector.error ?? SettingsError(problems: [])
    }
    return text
  }

  /// The root of a YAML text, with merge keys and variables resolved; nil, with the problem noted,
  /// if it is none.
  package static func compose(
    _ yaml: String, _ collector: ProblemCollector, environment: [String: String]
  ) -> Node? {
    // Editors of other systems put a byte order mark before the text.
    let yaml =
      yaml.unicodeScalars.first == "\u{FEFF}" ? String(yaml.unicodeScalars.dropFirst()) : yaml
    do {
      var resolver = NodeResolver(environment: environment, problems: collector)
      return try Yams.compose(yaml: yaml).map { resolver.resolve($0) }
    } catch let error as YamlError {
      switch error {
      case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
        .composer(_, let problem, let mark, _):
        collector.add(problem, at: mark, in: yaml)
      case .duplicatedKeysInMapping(let keys, let context):
        let names = keys.sorted().joined(separator: ", ")
        collector.add("the key occurs twice", at: context.mark, path: names)
      default:
        collector.add("is not YAML", at: nil, path: "")
      }
    } catch {
      collector.add("is not YAML", at: nil, path: "")
    }
    return nil
  }
}
