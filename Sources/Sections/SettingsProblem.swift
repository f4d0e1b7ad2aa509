package import Basics
package import Yams

/// One mistake in a settings file.
package struct SettingsProblem: Hashable, Sendable {
  package let file: String
  /// Line and column, from 1; nil for what is missing altogether.
  package let line: Int?
  package let column: Int?
  /// The key, with dots between sections; empty for the file as a whole.
  package let path: String
  package let message: String
}

extension SettingsProblem: CustomStringConvertible {
  /// `file:line:column: key: message`, as compilers say it.
  package var description: String {
    var text = file
    if let line { text += ":\(line)" }
    if let column { text += ":\(column)" }
    if !path.isEmpty { text += ": \(path)" }
    return text + ": " + message
  }
}

/// All mistakes in a settings file, in the order of their lines.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let problems: [SettingsProblem]

  package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Collects the problems of one file.
package final class ProblemCollector {
  let file: String
  private(set) var problems: [SettingsProblem] = []
  /// Every key that was asked for, with its sections, whether the file has it or not.
  package internal(set) var askedPaths: Set<String> = []

  package init(file: String) { self.file = file }

  package func add(_ message: String, at mark: Mark?, path: String) {
    add(message, line: mark?.line, column: mark?.column, path: path)
  }

  /// Notes that the text itself is no YAML. The parser places what it misses at the end on a line
  /// that does not exist; the end of the last line is where an editor can go.
  func add(_ message: String, at mark: Mark, in yaml: String) {
    let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let last = lines.lastIndex { !$0.isEmpty } ?? 0
    let isBehind = mark.line > last + 1
    add(
      message, line: isBehind ? last + 1 : mark.line,
      column: isBehind ? lines[last].unicodeScalars.count + 1 : mark.column, path: "")
  }

  private func add(_ message: String, line: Int?, column: Int?, path: String) {
    problems.append(
      SettingsProblem(file: file, line: line, column: column, path: path, message: message))
  }

  /// The problems as an error, ordered by place; nil when there are none.
  package var error: SettingsError? {
    guard !problems.isEmpty else { return nil }
    let sorted = problems.enumerated().sorted { left, right in
      let leftPlace = (left.element.line ?? 0, left.element.column ?? 0, left.offset)
      return leftPlace < (right.element.line ?? 0, right.element.column ?? 0, right.offset)
    }
    return SettingsError(problems: sorted.map(\.element))
  }
}

extension SettingsError: CommandError {
  package var exitStatus: ExitStatus {
    .configuration
  }
}
