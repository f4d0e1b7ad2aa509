/// The last exchange of an OpenAI-style list of messages: the last user turn and the last
/// assistant turn after it. Other roles are not judged.
struct Conversation {
  /// The user's text; nil when there is no user turn or the last one has no text.
  private(set) var prompt: String?
  /// The assistant's text; nil when no turn with text follows the prompt.
  private(set) var response: String?

  /// Reads the value of `messages`.
  init(_ messages: JSONValue) throws(DecodingFailure) {
    guard messages.kind == .array else {
      throw .unexpected(messages, at: "messages", expected: "an array")
    }
    for message in messages.children {
      guard message.kind == .object else {
        throw .unexpected(message, at: "messages[]", expected: "an object")
      }
      try add(message)
    }
  }

  private mutating func add(_ message: JSONValue) throws(DecodingFailure) {
    var role: JSONValue?
    var content: JSONValue?
    for member in message.children {
      switch member.name {
      case "role": try member.take(into: &role, at: "messages[].role")
      case "content": try member.take(into: &content, at: "messages[].content")
      default: break
      }
    }
    switch try JSONValue.text(role, at: "messages[].role") {
    case "user":
      prompt = try Self.text(content)
      response = nil
    case "assistant":
      // A turn that only calls tools has no text and does not hide an earlier one.
      if let text = try Self.text(content) { response = text }
    default: break
    }
  }

  /// A turn's text: a string, or the text parts of an array, one per line; nil without any.
  private static func text(_ content: JSONValue?) throws(DecodingFailure) -> String? {
    guard let content, content.kind != .null else { return nil }
    switch content.kind {
    case .text: return content.text
    case .array: break
    default:
      throw .unexpected(content, at: "messages[].content", expected: "a string or an array")
    }
    var texts: [String] = []
    for part in content.children {
      if let text = try text(ofPart: part) { texts.append(text) }
    }
    return texts.isEmpty ? nil : texts.joined(separator: "\n")
  }

  private static func text(ofPart part: JSONValue) throws(DecodingFailure) -> String? {
    guard part.kind == .object else {
      throw .unexpected(part, at: "messages[].content[]", expected: "an object")
    }
    var type: JSONValue?
    var text: JSONValue?
    for member in part.children {
      switch member.name {
      case "type": try member.take(into: &type, at: "messages[].content[].type")
      case "text": try member.take(into: &text, at: "messages[].content[].text")
      default: break
      }
    }
    switch try JSONValue.text(type, at: "messages[].content[].type") {
    // The second and third are what the newer responses interface calls its texts.
    case "text", "input_text", "output_text":
      return try JSONValue.text(text, at: "messages[].content[].text")
    default: return nil
    }
  }
}
