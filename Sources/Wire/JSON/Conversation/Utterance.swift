import Records

/// One text of a conversation.
struct Utterance: Hashable {
  /// What it is; nil where the speaker is not known.
  let kind: TextKind?
  let speaker: Speaker
  var text: String
  /// It may be JSON as text, of which the strings are meant: arguments and results of tools.
  var isJSON = false

  func with(kind: TextKind?) -> Utterance {
    Utterance(kind: kind, speaker: speaker, text: text, isJSON: isJSON)
  }
}

extension Utterance {
  /// The text of the conversation that an utterance belongs to.
  struct Sides: OptionSet {
    let rawValue: UInt8

    static let prompt = Sides(rawValue: 1)
    static let response = Sides(rawValue: 2)
  }

  /// Where it is judged: in both where nobody knows who spoke.
  var sides: Sides {
    switch kind {
    case .user, .toolResults, .system: .prompt
    case .assistant, .toolCalls, .refusals, .reasoning: .response
    case .transcripts, .unknownFields, .attachments:
      switch speaker {
      case .user, .system, .tool: .prompt
      case .assistant, .item: .response
      case .unknown: [.prompt, .response]
      }
    case nil: [.prompt, .response]
    }
  }

  /// Whether it is something that a user says, so that what came before an answer is an earlier
  /// turn.
  var isUsers: Bool { speaker == .user && kind != .toolResults && kind != .attachments }

  /// Whether it answers the user, which a call of a tool or a thought does not.
  var isAnswer: Bool {
    speaker == .assistant && kind != .toolCalls && kind != .reasoning && kind != .attachments
  }

  /// Whether there is anything in a text. Spaces and line ends alone say nothing, and adapters
  /// write them for turns without text; so do empty arguments.
  static func isText(_ text: String) -> Bool {
    !text.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0D).contains($0) } && text != "{}"
      && text != "[]"
  }

  /// Whether a text may be more than a name or a number.
  static func isProse(_ text: String) -> Bool { text.utf8.contains { $0 == 0x20 || $0 >= 0x80 } }

  /// Whether a text is bytes: a data URL, or base 64 of some length without a space.
  static func isBinary(_ text: String) -> Bool {
    if text.hasPrefix("data:"), text.prefix(128).contains(";base64,") { return true }
    guard text.utf8.count >= 256 else { return false }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"),
        UInt8(ascii: "="), UInt8(ascii: "-"), UInt8(ascii: "_"), 0x0A, 0x0D:
        true
      default: false
      }
    }
  }
}
