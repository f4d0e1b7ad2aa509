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
      source: try members.source(),
      judgedAtMilliseconds: judgedAt,
      metadata: members["metadata"]?.children.map {
        MetadataEntry(name: $0.name, value: $0.text)
      } ?? [])
  }
}
