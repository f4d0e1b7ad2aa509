package import Records
package import Sections

/// How payloads are read and written.
package struct WireSettings: Hashable, Sendable {
  /// The format of records without a `content-type` header.
  package var inputFormat: PayloadFormat
  /// The format of verdicts; nil writes each in the format of its exchange.
  package var outputFormat: PayloadFormat?
  package var tombstones: TombstonePolicy
  package var echoesMetadata: Bool
  /// How a list of messages becomes an exchange.
  package var conversations: ConversationRules
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

extension WireSettings {
  private enum OutputFormat: String, CaseIterable {
    case same, json, protobuf
  }

  package init(_ section: SectionReader) {
    inputFormat = section.choice("input_format", default: .json)
    outputFormat = PayloadFormat(
      rawValue: section.choice("output_format", default: OutputFormat.same).rawValue)
    tombstones = section.choice("tombstones", default: .deadLetter)
    echoesMetadata = section.flag("echo_metadata", default: false)
    conversations = ConversationRules()
    conversations.turns = section.choice("turns", default: conversations.turns)
    let judged = section.texts("judge").map(TextKind.init)
    if section.node("judge") != nil {
      conversations.judged = Set(judged.compactMap { $0 }).intersection(TextKind.optional)
      if judged.contains(where: { $0.map { !TextKind.optional.contains($0) } ?? true }) {
        let names = TextKind.optional.map(\.rawValue).joined(separator: ", ")
        section.complain("expected a list of \(names)", about: "judge")
      }
    }
    section.finish()
  }
}
