/// Names of topics, as settings give them, and what is wrong with them.
package enum TopicNames {
  private static let lengthMax = 249

  /// What is wrong with the name of a topic; nil for nothing.
  package static func problem(withName name: String) -> String? {
    let isValid = name.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "." || $0 == "_" || $0 == "-"
    }
    if isValid, !name.isEmpty, name.count <= lengthMax, name != ".", name != ".." { return nil }
    return "is no name of a topic: at most \(lengthMax) of a-z, A-Z, 0-9, dot, _ and - make one"
  }

  /// What is wrong with a topic to read, by name or by a pattern that begins with `^`.
  package static func problem(withInput name: String) -> String? {
    guard TopicPattern.isPattern(name) else { return problem(withName: name) }
    return (try? TopicPattern(name)) == nil ? "is no regular expression" : nil
  }

  /// Whether a pattern among the topics to read matches this topic.
  package static func input(_ name: String, matches topic: String) -> Bool {
    guard TopicPattern.isPattern(name), let pattern = try? TopicPattern(name) else { return false }
    return pattern.matches(topic)
  }
}
