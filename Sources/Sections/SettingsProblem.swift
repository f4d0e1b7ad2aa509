package import Basics
package import Yams

/// Where something stands in a settings file.
package struct SettingsPlace: Hashable, Sendable {
  package let file: String
  /// Line and column, from 1; nil for what is missing altogether.
  package let line: Int?
  package let column: Int?
  /// The key, with dots between sections; empty for the file as a whole.
  package let path: String

  package init(file: String, line: Int?, column: Int?, path: String) {
    self.file = file
    self.line = line
    self.column = column
    self.path = path
  }
}

extension SettingsPlace: CustomStringConvertible {
  /// `file:line:column: key`, as compilers say it.
  package var description: String {
    var text = file
    if let line { text += ":\(line)" }
    if let column { text += ":\(column)" }
    return path.isEmpty ? text : text + ": " + path
  }
}

/// A key with a plain value, in a table whose names are not ours.
package struct SettingPair: Hashable, Sendable {
  package let name: String
  package let value: String
  /// The value where YAML knows it as true or false, such as `yes`.
  package let flag: Bool?
  /// Whether the environment has a part in the value, so that no message may show it.
  package let isSecret: Bool
  package let place: SettingsPlace
}

/// One mistake in a settings file.
package struct SettingsProblem: Hashable, Sendable {
  package let place: SettingsPlace
  package let message: String

  package init(_ message: String, at place: SettingsPlace) {
    self.place = place
    self.message = message
  }
}

extension SettingsProblem: CustomStringConvertible {
  package var description: String { "\(place): \(message)" }
}

/// All mistakes in a settings file, in the order of their lines.
package struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  package let problems: [SettingsProblem]

  package init(problems: [SettingsProblem]) { self.problems = problems }

  package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Collects the problems of one file.
package final class ProblemCollector {
  private let file: String
  private var problems: [SettingsProblem] = []
  /// Every key that was asked for, with its sections, whether the file has it or not.
  package internal(set) var askedPaths: Set<String> = []
  /// What was asked for, in order.
  package internal(set) var declarations: [SettingDeclaration] = []
  /// The environment's variables that values come from, by line and column.
  private var variables: [String: [String]] = [:]

  package init(file: String) { self.file = file }

  func note(variables names: [String], at mark: Mark?) {
    if let mark, !names.isEmpty { variables[mark.description] = names }
  }

  /// Whether the environment has a part in the value there, which may be a secret then: messages
  /// name the variables, and do not say what they hold.
  func hasVariables(at mark: Mark?) -> Bool {
    mark.map { variables[$0.description] != nil } ?? false
  }

  func place(_ mark: Mark?, path: String) -> SettingsPlace {
    SettingsPlace(file: file, line: mark?.line, column: mark?.column, path: path)
  }

  package func add(_ message: String, at mark: Mark?, path: String) {
    let names = mark.flatMap { variables[$0.description] } ?? []
    let from = names.map { "${\($0)}" }.joined(separator: ", ")
    problems.append(
      SettingsProblem(
        names.isEmpty ? message : "\(message) (the value comes from \(from))",
        at: place(mark, path: path)))
  }

  /// Notes that the text itself is no YAML. The parser places what it misses at the end on a line
  /// that does not exist; the end of the last line is where an editor can go.
  func add(_ message: String, at mark: Mark, in yaml: String) {
    let lines = yaml.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let last = lines.lastIndex { !$0.isEmpty } ?? 0
    let isBehind = mark.line > last + 1
    let line = isBehind ? last + 1 : mark.line
    let column = isBehind ? lines[last].unicodeScalars.count + 1 : mark.column
    add(message, line: line, column: column)
  }

  /// Notes a problem of the text itself, at the place that follows these scalars.
  func add(_ message: String, behind scalars: Substring.UnicodeScalarView) {
    let lines = scalars.split(separator: "\n", omittingEmptySubsequences: false)
    add(message, line: lines.count, column: (lines.last?.count ?? 0) + 1)
  }

  private func add(_ message: String, line: Int, column: Int) {
    let place = SettingsPlace(file: file, line: line, column: column, path: "")
    problems.append(SettingsProblem(message, at: place))
  }

  /// The problems as an error, ordered by place; nil when there are none.
  package var error: SettingsError? {
    guard !problems.isEmpty else { return nil }
    let sorted = problems.enumerated().sorted { left, right in
      let (first, second) = (left.element.place, right.element.place)
      return (first.line ?? 0, first.column ?? 0, left.offset)
        < (second.line ?? 0, second.column ?? 0, right.offset)
    }
    return SettingsError(problems: sorted.map(\.element))
  }
}

extension SettingsError: CommandError {
  package var exitStatus: ExitStatus {
    .configuration
  }
}
