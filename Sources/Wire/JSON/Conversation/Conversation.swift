import Records
internal import StrictJSON

/// An OpenAI-style list of messages, or one of its many relatives, as the texts in it.
struct Conversation {
  private(set) var utterances: [Utterance] = []

  /// Reads the value of `messages`.
  init(_ messages: JSONValue) throws(DecodingFailure) {
    guard messages.kind == .array else {
      throw .unexpected(messages, at: "messages", expected: "an array")
    }
    for message in messages.children { utterances += try TurnReader(message).utterances }
  }

  /// Puts the strings in JSON text in its place: how it is written is nobody's text, and its
  /// escapes would hide what it says.
  mutating func resolveJSON(with parser: inout JSONParser) {
    for index in utterances.indices where utterances[index].isJSON {
      let text = utterances[index].text
      guard let first = text.utf8.first(where: { $0 > 0x20 }), first == 0x7B || first == 0x5B
      else { continue }
      // The parser wants an object at the top.
      let payload = Array("{\"\":".utf8) + Array(text.utf8) + Array("}".utf8)
      let strings = try? parser.parse(payload.span, malformed: DecodingFailure.malformed) {
        (value) throws(DecodingFailure) in
        var strings: [String] = []
        Self.collectStrings(of: value, into: &strings)
        return strings
      }
      if let strings, !strings.isEmpty {
        utterances[index].text = strings.joined(separator: "\n")
      }
    }
  }

  private static func collectStrings(of value: JSONValue, into strings: inout [String]) {
    if value.kind == .text, Utterance.isText(value.text) { strings.append(value.text) }
    for child in value.children {
      if Utterance.isProse(child.name) { strings.append(child.name) }
      collectStrings(of: child, into: &strings)
    }
  }
}
