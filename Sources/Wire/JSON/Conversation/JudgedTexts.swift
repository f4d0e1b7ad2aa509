import Records

/// The two texts that are judged, and how many texts they are made of.
struct JudgedTexts {
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
