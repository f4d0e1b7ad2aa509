internal import Foundation
internal import StrictJSON

/// What is wrong with a line, without its texts.
struct LineMistake: Error {
  let problem: String

  init(_ problem: String) { self.problem = problem }
}

/// Reads lines of a dataset, each a JSON object.
struct LineReader: ~Copyable {
  private static let names: Set<String> = [
    "id", "prompt", "text", "response", "completion", "label", "teacher", "source", "tenant",
    "categories",
  ]

  private var parser = JSONParser()

  /// The example in a line.
  mutating func example(
    in line: Data, fallbackID: String, source name: String
  ) throws(LineMistake) -> LabelledExample {
    try parser.parse(line.span, malformed: LineMistake.init) { (object) throws(LineMistake) in
      var fields: [String: JSONValue] = [:]
      for member in object.children where Self.names.contains(member.name) {
        guard fields.updateValue(member, forKey: member.name) == nil else {
          throw LineMistake("\(member.name) is given twice")
        }
      }
      guard let prompt = try Self.text("prompt", or: "text", fields) else {
        throw LineMistake("prompt is missing")
      }
      let teacher = try Self.probability("teacher", fields)
      let label = try Self.label("label", fields)
      guard let isUnsafe = label ?? teacher.map({ $0 > 0.5 }) else {
        throw LineMistake("label is missing")
      }
      return LabelledExample(
        id: fields["id"]?.naming ?? fallbackID, prompt: prompt,
        response: try Self.text("response", or: "completion", fields), isUnsafe: isUnsafe,
        teacherScore: teacher, source: fields["source"]?.naming ?? name,
        tenant: fields["tenant"]?.naming,
        categories: fields["categories"].flatMap(Self.categories))
    }
  }

  private static func given(_ name: String, _ fields: [String: JSONValue]) -> JSONValue? {
    fields[name].flatMap { $0.kind == .null ? nil : $0 }
  }

  /// A text, which files of others may have under a second name.
  private static func text(
    _ name: String, or other: String? = nil, _ fields: [String: JSONValue]
  ) throws(LineMistake) -> String? {
    guard let value = given(name, fields) else {
      return if let other { try text(other, fields) } else { nil }
    }
    guard value.kind == .text else { throw LineMistake("\(name) has the wrong type") }
    return value.text
  }

  /// A list of names, or an object that says of each name whether it applies; nil for anything
  /// else, which files of others may have under this name.
  private static func categories(_ value: JSONValue) -> [String]? {
    var names: [String] = []
    for child in value.children {
      switch (value.kind, child.kind) {
      case (.array, .text): names.append(child.text)
      case (.object, .boolean): if child.isTrue { names.append(child.name) }
      case (.object, .number): if Double(child.text) == 1 { names.append(child.name) }
      default: return nil
      }
    }
    return value.kind == .array || value.kind == .object ? names : nil
  }

  private static func probability(
    _ name: String, _ fields: [String: JSONValue]
  ) throws(LineMistake) -> Double? {
    guard let value = given(name, fields) else { return nil }
    guard value.kind == .number, let number = Double(value.text) else {
      throw LineMistake("\(name) has the wrong type")
    }
    guard (0...1).contains(number) else { throw LineMistake("\(name) is not a probability") }
    return number
  }

  /// 0 or 1, false or true, and the words that datasets have for them.
  private static func label(
    _ name: String, _ fields: [String: JSONValue]
  ) throws(LineMistake) -> Bool? {
    guard let value = given(name, fields) else { return nil }
    switch value.kind {
    case .boolean: return value.isTrue
    case .number:
      guard let number = Double(value.text), number == 0 || number == 1 else {
        throw LineMistake("\(name) is not 0 or 1")
      }
      return number == 1
    case .text where ["unsafe", "harmful", "1", "true"].contains(value.text.lowercased()):
      return true
    case .text where ["safe", "unharmful", "0", "false"].contains(value.text.lowercased()):
      return false
    default: throw LineMistake("\(name) is neither 0, 1, safe nor unsafe")
    }
  }
}
