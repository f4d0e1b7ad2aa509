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
    guard let text = text(data), collector.error == nil else {
      if collector.error == nil { collector.add("is neither UTF-8 nor UTF-16", at: nil, path: "") }
      throw collector.error ?? SettingsError(problems: [])
    }
    return text
  }

  /// UTF-8, or the UTF-16 that a byte order mark tells.
  private static func text(_ data: Data) -> String? {
    let isBigEndian = data.starts(with: [0xFE, 0xFF])
    guard isBigEndian || data.starts(with: [0xFF, 0xFE]) else {
      return String(validating: data, as: UTF8.self)
    }
    let bytes = Array(data)
    guard bytes.count.isMultiple(of: 2) else { return nil }
    let units = stride(from: 0, to: bytes.count, by: 2).map { index in
      let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
      return isBigEndian ? first << 8 | second : second << 8 | first
    }
    return String(validating: units, as: UTF16.self)
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
      add(error, of: yaml, to: collector)
    } catch {
      collector.add("is not YAML", at: nil, path: "")
    }
    return nil
  }

  /// Notes why a text is no YAML, in words that help where the library's do not.
  private static func add(
    _ error: YamlError, of yaml: String, to collector: ProblemCollector
  ) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _):
      let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      let line = lines.indices.contains(mark.line - 1) ? lines[mark.line - 1] : ""
      var problem = problem
      if line.unicodeScalars.dropFirst(mark.column - 1).first == "\t" {
        problem = "a tab cannot indent: use spaces"
      } else if problem.hasPrefix("did not find expected ','"), line.contains("${") {
        problem = "within braces and brackets, a value with ${NAME} needs quotes"
      }
      collector.add(problem, at: mark, in: yaml)
    case .composer(_, let problem, let mark, _):
      let isSecond = problem.contains("another document")
      collector.add(isSecond ? "a second document begins here" : problem, at: mark, in: yaml)
    case .reader(let problem, let offset, _, _):
      collector.add(problem, behind: yaml.prefix(offset ?? 0).unicodeScalars)
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.sorted().joined(separator: ", ")
      collector.add("the key occurs twice", at: context.mark, path: names)
    default:
      collector.add("is not YAML", at: nil, path: "")
    }
  }
}
