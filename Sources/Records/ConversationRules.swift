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
