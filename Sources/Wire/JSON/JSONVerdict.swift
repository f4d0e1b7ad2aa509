import Records

extension Verdict {
  /// Reads a verdict from a JSON object. `score` follows from the other scores.
  init(json object: JSONValue) throws(DecodingFailure) {
    let members = Members(object)
    guard let action = try Action(rawValue: members.text("action")) else {
      throw .malformed("action: no action of that name")
    }
    guard let judgedAt = try Timestamp.milliseconds(members.text("judged_at")) else {
      throw .malformed("judged_at: expected a time such as 2026-01-31T09:00:00.123Z")
    }
    let judgement = Judgement(
      promptScore: try members.optionalNumber("prompt_score").map(Score.init(_:)),
      responseScore: try members.optionalNumber("response_score").map(Score.init(_:)),
      tokens: try members.number("tokens"), windows: try members.number("windows"))
    self.init(
      id: try members.text("id"), flagged: try members.boolean("flagged"), action: action,
      judgement: judgement, threshold: try members.number("threshold"),
      model: try members.text("model"), policy: try members.text("policy"),
      source: try members.object("source").map { (source) throws(DecodingFailure) in
        SourcePosition(
          topic: try source.text("topic"), partition: try source.number("partition"),
          offset: try source.number("offset"))
      },
      judgedAtMilliseconds: judgedAt,
      metadata: members["metadata"]?.children.map {
        MetadataEntry(name: $0.name, value: $0.text)
      } ?? [])
  }
}

/// An object's members by name, the last of each name.
private struct Members {
  private var values: [String: JSONValue] = [:]

  init(_ object: JSONValue) {
    for member in object.children { values[member.name] = member }
  }

  subscript(name: String) -> JSONValue? { values[name] }

  func text(_ name: String) throws(DecodingFailure) -> String {
    guard let text = try JSONValue.text(values[name], at: name) else {
      throw .malformed("\(name): not given")
    }
    return text
  }

  func boolean(_ name: String) throws(DecodingFailure) -> Bool {
    guard let value = values[name] else { throw .malformed("\(name): not given") }
    guard value.kind == .boolean else {
      throw .unexpected(value, at: name, expected: "a boolean")
    }
    return value.isTrue
  }

  func number<Number: LosslessStringConvertible>(_ name: String) throws(DecodingFailure) -> Number {
    guard let number: Number = try optionalNumber(name) else {
      throw .malformed("\(name): not given")
    }
    return number
  }

  func optionalNumber<Number: LosslessStringConvertible>(_ name: String) throws(DecodingFailure)
    -> Number?
  {
    guard let value = values[name], value.kind != .null else { return nil }
    guard value.kind == .number, let number = Number(value.text) else {
      throw .unexpected(value, at: name, expected: "a number in range")
    }
    return number
  }

  func object(_ name: String) throws(DecodingFailure) -> Members? {
    guard let value = values[name], value.kind != .null else { return nil }
    guard value.kind == .object else {
      throw .unexpected(value, at: name, expected: "an object")
    }
    return Members(value)
  }
}
