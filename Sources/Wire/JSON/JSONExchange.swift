import Records
internal import StrictJSON

/// An exchange as a JSON object gives it, before its conversation is made into two texts.
struct JSONExchange {
  private let id: String?
  private let prompt: String?
  private let response: String?
  private var conversation: Conversation?
  private let model: String?
  private let tenant: String?
  private let metadata: [MetadataEntry]

  /// Reads the object. A null counts as absent everywhere; unknown members are ignored, known ones
  /// given twice are an error. What does not touch the score may be any value.
  init(_ object: JSONValue) throws(DecodingFailure) {
    var id: JSONValue?
    var prompt: JSONValue?
    var response: JSONValue?
    var messages: JSONValue?
    var model: JSONValue?
    var tenant: JSONValue?
    var metadata: JSONValue?
    for member in object.children {
      switch member.name {
      case "id": try member.take(into: &id, at: "id")
      case "prompt": try member.take(into: &prompt, at: "prompt")
      case "response": try member.take(into: &response, at: "response")
      case "messages": try member.take(into: &messages, at: "messages")
      case "model": try member.take(into: &model, at: "model")
      case "tenant": try member.take(into: &tenant, at: "tenant")
      case "metadata": try member.take(into: &metadata, at: "metadata")
      default: break
      }
    }
    self.id = id?.naming
    self.prompt = try JSONValue.text(prompt, at: "prompt")
    self.response = try JSONValue.text(response, at: "response")
    self.model = model?.naming
    self.tenant = tenant?.naming
    self.metadata = Self.metadata(metadata)
    if let messages, messages.kind != .null { conversation = try Conversation(messages) }
  }

  /// The exchange, with the conversation's texts in it.
  ///
  /// - Parameter parser: reads JSON in texts; nothing of the object is needed any more.
  func exchange(
    _ rules: ConversationRules, with parser: inout JSONParser
  ) throws(DecodingFailure) -> Exchange {
    guard var conversation else {
      guard let prompt else {
        throw DecodingFailure(
          reason: .missingPrompt, detail: "neither prompt nor messages is given")
      }
      return Exchange(
        id: id, prompt: prompt, response: response, model: model, tenant: tenant,
        metadata: metadata)
    }
    conversation.resolveJSON(with: &parser)
    let turns = JudgedTexts(conversation, prompt: prompt, response: response, rules: rules)
    guard let text = turns.prompt else {
      throw DecodingFailure(
        reason: .missingPrompt, detail: "messages: no text of the role user")
    }
    return Exchange(
      id: id, prompt: text, response: turns.response, model: model, tenant: tenant,
      metadata: metadata, texts: turns.texts)
  }

  /// An object's members. A list has its elements' places for names, any other value is a list of
  /// one, and an empty text is none.
  private static func metadata(_ value: JSONValue?) -> [MetadataEntry] {
    guard let value, value.kind != .null, value.kind != .text || !value.text.isEmpty else {
      return []
    }
    switch value.kind {
    case .object: return value.children.map { MetadataEntry(name: $0.name, value: $0.text) }
    case .array:
      return value.children.enumerated().map { MetadataEntry(name: "\($0)", value: $1.text) }
    default: return [MetadataEntry(name: "0", value: value.text)]
    }
  }
}
