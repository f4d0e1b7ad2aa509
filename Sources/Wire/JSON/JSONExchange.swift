import Records

extension Exchange {
  /// Reads the exchange from a JSON object.
  ///
  /// `prompt` wins over `messages`; a null counts as absent everywhere; unknown members are
  /// ignored, known ones given twice are an error.
  init(json object: JSONValue) throws(DecodingFailure) {
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
    let turns = try Turns(
      prompt: JSONValue.text(prompt, at: "prompt"),
      response: JSONValue.text(response, at: "response"), messages: messages)
    self.init(
      id: try Self.identifier(id), prompt: turns.prompt, response: turns.response,
      model: try JSONValue.text(model, at: "model"),
      tenant: try JSONValue.text(tenant, at: "tenant"), metadata: try Self.metadata(metadata))
  }

  /// The identifier, a string or a number; a number is taken as it is written.
  private static func identifier(_ value: JSONValue?) throws(DecodingFailure) -> String? {
    guard let value, value.kind != .null else { return nil }
    guard value.kind == .text || value.kind == .number else {
      throw .unexpected(value, at: "id", expected: "a string or a number")
    }
    return value.text
  }

  private static func metadata(_ value: JSONValue?) throws(DecodingFailure) -> [MetadataEntry] {
    guard let value, value.kind != .null else { return [] }
    guard value.kind == .object else {
      throw .unexpected(value, at: "metadata", expected: "an object")
    }
    return value.children.map { MetadataEntry(name: $0.name, value: $0.text) }
  }
}

/// The two texts that are judged.
private struct Turns {
  let prompt: String
  let response: String?

  /// The texts given as such; those absent are taken from the conversation.
  init(prompt: String?, response: String?, messages: JSONValue?) throws(DecodingFailure) {
    if let prompt {
      self.prompt = prompt
      self.response = response
      return
    }
    guard let messages, messages.kind != .null else {
      throw DecodingFailure(
        reason: .missingPrompt, detail: "neither prompt nor messages is given")
    }
    let conversation = try Conversation(messages)
    guard let prompt = conversation.prompt else {
      throw DecodingFailure(
        reason: .missingPrompt, detail: "messages: no text in the last turn of the role user")
    }
    self.prompt = prompt
    self.response = response ?? conversation.response
  }
}
