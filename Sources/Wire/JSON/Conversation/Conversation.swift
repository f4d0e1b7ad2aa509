import Records

/// An OpenAI-style list of messages, or one of its many relatives, as the texts in it.
struct Conversation {
  private(set) var utterances: [Utterance] = []

  /// Reads the value of `messages`.
  init(_ messages: JSONValue) throws(DecodingFailure) {
    guard messages.kind == .array else {
      throw .unexpected(messages, at: "messages", expected: "an array")
    }
    for message in messages.children { utterances += try MessageReader(message).utterances }
  }

  /// Puts the strings in JSON text in its place: how it is written is nobody's text, and its escapes
  /// would hide what it says.
  mutating func resolveJSON(with parser: inout JSONParser) {
    for index in utterances.indices where utterances[index].isJSON {
      let text = utterances[index].text
      guard let first = text.utf8.first(where: { $0 > 0x20 }), first == 0x7B || first == 0x5B
      else { continue }
      // The parser wants an object at the top.
      let payload = Array("{\"\":".utf8) + Array(text.utf8) + Array("}".utf8)
      let strings = try? parser.parse(payload.span) { (value) throws(DecodingFailure) in
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

/// The two texts that are judged, and how many texts they are made of.
struct Turns {
  /// nil when there is none of a user's.
  private(set) var prompt: String?
  private(set) var response: String?
  private(set) var texts = ExchangeTexts(prompt: 0, response: 0)

  /// The texts of a conversation, and those that the record gives besides, one to a line.
  ///
  /// A text that is given besides and stands in the conversation counts once.
  init(
    _ conversation: Conversation, prompt: String?, response: String?, rules: ConversationRules
  ) {
    let utterances = conversation.utterances
    let start = rules.turns == .all ? 0 : Self.startOfNewTurns(utterances, rules)
    var prompts: [String] = []
    var responses: [String] = []
    for (index, utterance) in utterances.enumerated() {
      let isJudged = utterance.kind.map(rules.judges) ?? true
      let isCurrent = index >= start || utterance.kind == .system
      guard isJudged, isCurrent else {
        let reason = isJudged ? Coverage.earlier : utterance.kind?.rawValue ?? Coverage.earlier
        texts.leftOut[reason, default: 0] += 1
        continue
      }
      let sides = utterance.sides
      if sides.contains(.prompt) { prompts.append(utterance.text) }
      if sides.contains(.response) { responses.append(utterance.text) }
      switch sides {
      case .prompt: texts.prompt += 1
      case .response: texts.response += 1
      default: texts.both += 1
      }
    }
    if let prompt, Utterance.isText(prompt), !prompts.contains(prompt) {
      prompts.append(prompt)
      texts.prompt += 1
    }
    if let response, Utterance.isText(response), !responses.contains(response) {
      responses.append(response)
      texts.response += 1
    }
    self.prompt = prompts.isEmpty ? prompt : prompts.joined(separator: "\n")
    self.response = responses.isEmpty ? nil : responses.joined(separator: "\n")
  }

  /// Where the last exchange begins: after the last answer that a user's text follows.
  private static func startOfNewTurns(
    _ utterances: [Utterance], _ rules: ConversationRules
  ) -> Int {
    func isJudged(_ utterance: Utterance) -> Bool { utterance.kind.map(rules.judges) ?? true }
    guard let lastUsers = utterances.lastIndex(where: { $0.isUsers && isJudged($0) }) else {
      return 0
    }
    let answers = utterances[..<lastUsers].lastIndex { $0.isAnswer && isJudged($0) }
    return answers.map { $0 + 1 } ?? 0
  }
}
