import Records
internal import StrictJSON

/// Who says a message of a conversation.
enum Speaker: Hashable {
  case user, assistant, system, tool
  /// Nobody that is known: its texts are judged as a user's and as a model's.
  case unknown
  /// An item that is no message: a call, its result, a thought (OpenAI's responses interface).
  case item(TextKind)

  /// What the speaker's own texts are; nil for an unknown one.
  var kind: TextKind? {
    switch self {
    case .user: .user
    case .assistant: .assistant
    case .system: .system
    case .tool: .toolResults
    case .item(let kind): kind
    case .unknown: nil
    }
  }

  /// The speaker of a message: its role or, where that says nothing, another field of which formats
  /// are known that name the speaker there.
  init(of message: JSONValue) throws(DecodingFailure) {
    var names: [String: JSONValue] = [:]
    var role: JSONValue?
    for member in message.children {
      if member.name == "role" {
        try member.take(into: &role, at: "messages[].role")
      } else if Self.fields.contains(member.name), names[member.name] == nil {
        names[member.name] = member
      }
    }
    if let role, role.kind != .null, role.kind != .text {
      throw .unexpected(role, at: "messages[].role", expected: "a string")
    }
    names["role"] = role
    self = .unknown
    for field in ["role"] + Self.fields {
      guard let name = names[field].flatMap(Self.name), let speaker = Self(name: name) else {
        continue
      }
      self = speaker
      return
    }
  }

  /// Where other formats name the speaker: LangChain, ShareGPT, exports of ChatGPT.
  private static let fields = ["type", "from", "author", "sender", "speaker"]

  private static func name(_ value: JSONValue) -> String? {
    switch value.kind {
    case .text: value.text
    case .object: value.children.first { $0.name == "role" && $0.kind == .text }?.text
    default: nil
    }
  }

  private init?(name: String) {
    let name = name.normalizedName
    switch name {
    case "user", "human", "humanmessage", "prompter", "enduser", "customer": self = .user
    case "assistant", "model", "ai", "aimessage", "bot", "chatbot", "gpt", "agent":
      self = .assistant
    case "system", "developer", "systemmessage": self = .system
    case "tool", "function", "toolmessage", "ipython", "observation", "environment": self = .tool
    default:
      guard let kind = PartType(name: name).kind else { return nil }
      self = .item(kind)
    }
  }
}

extension String {
  /// The name in small letters, without what formats separate its words by.
  var normalizedName: String {
    String(lowercased().filter { $0 != "_" && $0 != "-" && $0 != " " })
  }
}
