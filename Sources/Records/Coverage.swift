/// What a text of a conversation is: whose, and where it stood.
package enum TextKind: String, Hashable, Sendable, CaseIterable {
  /// What a user said. Always judged, as part of the prompt.
  case user
  /// What a model said. Always judged, as part of the response.
  case assistant
  /// Arguments of the tools that the model calls; part of the response.
  case toolCalls = "tool_calls"
  /// What tools answered; part of the prompt.
  case toolResults = "tool_results"
  /// Why the model would not answer; part of the response.
  case refusals
  /// What was said in audio, as text; part of the speaker's side.
  case transcripts
  /// The model's thoughts before its answer; part of the response.
  case reasoning
  /// What the operator told the model; part of the prompt.
  case system
  /// Texts in fields of a message that no known format has; part of the speaker's side.
  case unknownFields = "unknown_fields"
  /// Files in base 64 and the like. Never judged, but counted.
  case attachments

  /// The kinds that the settings may choose; the others are judged always or never.
  package static let optional: [TextKind] = allCases.filter {
    $0 != .user && $0 != .assistant && $0 != .attachments
  }
}

/// How a conversation becomes an exchange.
package struct ConversationRules: Hashable, Sendable {
  /// Which turns are judged.
  package enum Turns: String, Hashable, Sendable, CaseIterable {
    /// All user turns since the last answer are the prompt, and all that the model said after them
    /// is the response: what came before was new in an earlier record.
    case new
    /// The whole conversation.
    case all
  }

  package var turns: Turns
  /// Kinds that are judged beside what users and models say.
  package var judged: Set<TextKind>

  package init(
    turns: Turns = .new,
    judged: Set<TextKind> = [.toolCalls, .toolResults, .refusals, .transcripts]
  ) {
    self.turns = turns
    self.judged = judged
  }

  /// Whether texts of this kind are judged.
  package func judges(_ kind: TextKind) -> Bool {
    switch kind {
    case .user, .assistant: true
    case .attachments: false
    default: judged.contains(kind)
    }
  }
}

/// How many texts a record had, and how many of them were judged.
package struct Coverage: Hashable, Sendable {
  /// What a text is counted under that belongs to an earlier exchange of the conversation.
  package static let earlier = "earlier_turns"
  /// What a text is counted under that belongs to the response where only prompts are judged.
  package static let response = "response"

  /// All texts, the empty ones not counted.
  package var texts: Int
  /// Those that stood in a sequence that the model judged.
  package var judged: Int
  /// The others, counted by why they were left out: a `TextKind`, `earlier` or `response`.
  package var leftOut: [String: Int]

  package init(texts: Int, judged: Int, leftOut: [String: Int] = [:]) {
    self.texts = texts
    self.judged = judged
    self.leftOut = leftOut
  }

  /// Adds the counts of another record.
  package mutating func add(_ other: Coverage) {
    texts += other.texts
    judged += other.judged
    for (reason, count) in other.leftOut { leftOut[reason, default: 0] += count }
  }
}

/// How many texts of its record an exchange holds.
package struct ExchangeTexts: Hashable, Sendable {
  /// Texts that make up the prompt.
  package var prompt: Int
  /// Texts that make up the response.
  package var response: Int
  /// Texts of unknown speakers, which stand in both: they count once.
  package var both: Int
  /// Texts that are in neither, by why.
  package var leftOut: [String: Int]

  package init(prompt: Int, response: Int, both: Int = 0, leftOut: [String: Int] = [:]) {
    self.prompt = prompt
    self.response = response
    self.both = both
    self.leftOut = leftOut
  }

  /// The coverage of a verdict.
  ///
  /// - Parameter judgesResponse: whether the response was judged, if there is one.
  package func coverage(judgesResponse: Bool) -> Coverage {
    let unjudged = judgesResponse ? 0 : response
    var leftOut = leftOut
    if unjudged > 0 { leftOut[Coverage.response, default: 0] += unjudged }
    let judged = prompt + both + response - unjudged
    return Coverage(
      texts: judged + leftOut.values.reduce(0, +), judged: judged, leftOut: leftOut)
  }
}
