package import Yams

/// Reads one mapping of a settings file key by key, noting each problem where it stands.
///
/// A getter returns the default when its key is absent or wrong, so that reading goes on and all
/// mistakes are found at once. `finish` then reports the keys that nobody asked for.
package final class SectionReader {
  package let problems: ProblemCollector
  package let path: String
  package let mark: Mark?
  private let mapping: Node.Mapping?
  private var known: [String] = []

  /// A reader of `node`; nil or null is an empty section.
  package init(_ node: Node?, path: String, problems: ProblemCollector) {
    self.path = path
    self.problems = problems
    mark = node?.mark
    mapping = node?.mapping
    if let node, mapping == nil, !node.isNull {
      problems.add("expected keys with values", at: node.mark, path: path)
    }
  }

  /// The path of a key in this section.
  package func path(of key: String) -> String {
    let key = key.isEmpty ? "\"\"" : key
    return path.isEmpty ? key : "\(path).\(key)"
  }

  /// The value of a key; nil when it is absent or null.
  package func node(_ key: String) -> Node? {
    ask(key)
    guard let node = mapping?[key], !node.isNull else { return nil }
    return node
  }

  private func ask(_ key: String) {
    known.append(key)
    problems.askedPaths.insert(path(of: key))
  }

  /// The keys in this section, in the order of the file, where their names are not ours.
  package var keys: [(name: String, node: Node)] {
    problems.declarations.append(
      SettingDeclaration(path: components, kind: .names, isRequired: false))
    return entries
  }

  private var entries: [(name: String, node: Node)] {
    (mapping ?? Node.Mapping([])).compactMap { pair in
      pair.key.string.map { (name: $0, node: pair.value) }
    }
  }

  /// Notes what a key is asked for.
  private func declare(_ key: String, _ kind: SettingDeclaration.Kind, isRequired: Bool = false) {
    problems.declarations.append(
      SettingDeclaration(path: components + [key], kind: kind, isRequired: isRequired))
  }

  private var components: [String] { path.split(separator: ".").map(String.init) }

  package func section(_ key: String) -> SectionReader {
    declare(key, .section)
    return SectionReader(node(key), path: path(of: key), problems: problems)
  }

  /// Whether the environment has a part in a key's value, so that no message may show it.
  package func isSecret(_ key: String) -> Bool {
    guard let node = mapping?[key] else { return false }
    return (node.sequence.map(Array.init) ?? [node]).contains { problems.hasVariables(at: $0.mark) }
  }

  /// Notes a problem with the value of a key.
  package func complain(_ message: String, about key: String, at node: Node? = nil) {
    problems.add(message, at: (node ?? mapping?[key])?.mark ?? mark, path: path(of: key))
  }

  // MARK: Values

  package func optionalText(_ key: String) -> String? {
    declare(key, .text)
    return givenText(key)
  }

  private func givenText(_ key: String) -> String? {
    guard let node = node(key) else { return nil }
    if let text = node.text {
      checkFolder(text, key, node)
      return text
    }
    complain("expected a text that is not empty", about: key, at: node)
    return nil
  }

  /// Only a shell knows the folder that a `~` stands for, and a variable without braces.
  private func checkFolder(_ text: String, _ key: String, _ node: Node) {
    if text.hasPrefix("~/") {
      complain("~ stands for no folder here: write it in full", about: key, at: node)
    } else if text.contains(/^\$[A-Za-z_][A-Za-z0-9_]*\//),
      !text.hasPrefix("$CREDENTIALS_DIRECTORY/")
    {
      complain("a variable needs braces: ${NAME}", about: key, at: node)
    }
  }

  package func text(_ key: String, default standard: String) -> String {
    optionalText(key) ?? standard
  }

  package func requiredText(_ key: String) -> String {
    declare(key, .text, isRequired: true)
    return givenRequiredText(key)
  }

  private func givenRequiredText(_ key: String) -> String {
    if let text = givenText(key) { return text }
    if mapping?[key] == nil || mapping?[key]?.isNull == true {
      problems.add("is required", at: mark, path: path(of: key))
    }
    return ""
  }

  /// One text or a list of them, at least one; `problem` tells what is wrong with one, if anything.
  package func requiredTexts(
    _ key: String, problem: (String) -> String? = { _ in nil }
  ) -> [String] {
    declare(key, .texts, isRequired: true)
    return givenTexts(key, problem: problem)
  }

  private func givenTexts(
    _ key: String, problem: (String) -> String? = { _ in nil }
  ) -> [String] {
    guard let list = node(key)?.sequence else {
      let text = givenRequiredText(key)
      if !text.isEmpty, let problem = problem(text) { complain(problem, about: key) }
      return text.isEmpty ? [] : [text]
    }
    if list.isEmpty { complain("expected texts that are not empty", about: key) }
    return list.compactMap { node in
      guard let text = node.text else {
        complain("expected a text that is not empty", about: key, at: node)
        return nil
      }
      checkFolder(text, key, node)
      if let problem = problem(text) { complain(problem, about: key, at: node) }
      return text
    }
  }

  /// A list of texts, which may be empty, or one text; none when the key is absent.
  package func texts(_ key: String) -> [String] {
    declare(key, .texts)
    guard let node = node(key), node.sequence?.isEmpty != true else { return [] }
    return givenTexts(key)
  }

  /// One text or a list of them, at least one; nil when the key is absent.
  package func optionalTexts(_ key: String) -> [String]? {
    declare(key, .texts)
    return node(key) == nil ? nil : givenTexts(key)
  }

  package func number(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
    declare(key, .number(range))
    guard let node = node(key) else { return standard }
    if let number = node.int, node.isDecimal, range.contains(number) { return number }
    complain("expected a whole number \(range.words)", about: key, at: node)
    return standard
  }

  package func optionalNumber(_ key: String, in range: ClosedRange<Int>) -> Int? {
    declare(key, .number(range))
    guard node(key) != nil else { return nil }
    return number(key, default: range.lowerBound, in: range)
  }

  /// A time that the file gives in seconds.
  package func milliseconds(
    seconds key: String, default standard: Int, in range: ClosedRange<Int>
  ) -> Int {
    number(key, default: standard / 1_000, in: range) * 1_000
  }

  /// A size in bytes: `4MiB`, `64 kB`, `1048576`.
  package func size(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
    declare(key, .size)
    guard let node = node(key) else { return standard }
    if let size = node.scalar.flatMap({ ByteSize.parse($0.string) }), range.contains(size) {
      return size
    }
    complain("expected a size such as 4MiB, \(range.words) bytes", about: key, at: node)
    return standard
  }

  package func real(_ key: String, default standard: Double, in range: ClosedRange<Double>)
    -> Double
  {
    declare(key, .real(range))
    guard let node = node(key) else { return standard }
    if let number = node.float, node.isDecimal, range.contains(number) { return number }
    complain(
      "expected a number from \(range.lowerBound) to \(range.upperBound)", about: key, at: node)
    return standard
  }

  package func optionalReal(_ key: String, in range: ClosedRange<Double>) -> Double? {
    declare(key, .real(range))
    guard node(key) != nil else { return nil }
    return real(key, default: range.lowerBound, in: range)
  }

  package func flag(_ key: String, default standard: Bool) -> Bool {
    declare(key, .flag)
    guard let node = node(key) else { return standard }
    if let flag = node.bool { return flag }
    complain("expected true or false", about: key, at: node)
    return standard
  }

  package func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String, default standard: Choice
  ) -> Choice {
    optionalChoice(key) ?? standard
  }

  package func optionalChoice<Choice: RawRepresentable<String> & CaseIterable>(
    _ key: String
  ) -> Choice? {
    declare(key, .choice(Choice.allCases.map(\.rawValue)))
    guard let node = node(key) else { return nil }
    if let choice = node.scalar.flatMap({ Choice(rawValue: $0.string) }) { return choice }
    let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    complain("expected one of: \(choices)", about: key, at: node)
    return nil
  }

  /// A text that `parse` understands; `expected` says what that would be.
  package func value<Value>(
    _ key: String, default standard: Value, expected: String, _ parse: (String) -> Value?
  ) -> Value {
    declare(key, .value(expected: expected))
    guard let node = node(key) else { return standard }
    if let value = node.scalar.flatMap({ parse($0.string) }) { return value }
    complain("expected \(expected)", about: key, at: node)
    return standard
  }

  /// Keys with text values, such as librdkafka's properties; `problem` tells what is wrong with
  /// one, if anything.
  package func pairs(
    _ key: String, problem: (SettingPair) -> String? = { _ in nil }
  ) -> [SettingPair] {
    let section = section(key)
    declare(key, .pairs)
    return section.entries.compactMap { name, node in
      guard let scalar = node.scalar, !node.isNull else {
        section.complain(
          node.isNull ? "has no value" : "expected a plain value", about: name, at: node)
        return nil
      }
      let pair = SettingPair(
        name: name, value: scalar.string, flag: node.bool, isSecret: section.isSecret(name),
        place: problems.place(node.mark, path: section.path(of: name)))
      if let problem = problem(pair) { section.complain(problem, about: name, at: node) }
      return pair
    }
  }

  /// Reports every key that was not asked for, with the nearest one that is known.
  package func finish() {
    // Where anchors are put that other sections refer to.
    for (name, _) in entries where !known.contains(name) && !(path.isEmpty && name.hasPrefix("x-"))
    {
      let keyMark = mapping?.keys.first { $0.string == name }?.mark
      let nearest = known.min { $0.distance(to: name) < $1.distance(to: name) }
      let hint = nearest.flatMap { $0.distance(to: name) <= 3 ? "; did you mean \($0)?" : nil }
      problems.add("unknown key" + (hint ?? ""), at: keyMark, path: path(of: name))
    }
  }
}

extension Node {
  fileprivate var isNull: Bool { null != nil && scalar?.style == .plain }

  /// Not octal (010) nor of base sixty (1:00), as YAML 1.1 has it and hardly anyone means it.
  fileprivate var isDecimal: Bool { scalar?.string.contains(/:|^[-+]?0[0-9_]/) == false }

  /// The text, if there is one and it is not empty.
  fileprivate var text: String? {
    guard let text = scalar?.string, !text.isEmpty, !isNull else { return nil }
    return text
  }
}

extension ClosedRange<Int> {
  fileprivate var words: String {
    upperBound == .max ? "of at least \(lowerBound)" : "from \(lowerBound) to \(upperBound)"
  }
}
