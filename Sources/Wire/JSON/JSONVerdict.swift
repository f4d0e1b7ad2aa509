internal import Basics
import Records
internal import StrictJSON

extension Verdict {
  /// Reads a verdict from a JSON object. `score` follows from the other scores.
  init(json object: JSONValue) throws(DecodingFailure) {
    let members = try Members(object)
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
      source: try members.position("source"),
      judgedAtMilliseconds: judgedAt,
      metadata: members["metadata"]?.children.map {
        MetadataEntry(name: $0.name, value: $0.text)
      } ?? [], coverage: try members.object("coverage").map(Coverage.init),
      categories: try Self.categories(members["categories"]),
      precision: try members.optionalText("precision"),
      decidedBy: try members.optionalText("decided_by"),
      policyDigest: try members.optionalText("policy_digest"),
      supersedes: try members.position("supersedes"))
  }

  private static func categories(_ value: JSONValue?) throws(DecodingFailure) -> [Category] {
    guard let value else { return [] }
    var categories: [Category] = []
    for element in value.children {
      let members = try Members(element)
      categories.append(
        Category(name: try members.text("name"), probability: try members.number("probability")))
    }
    return categories
  }
}

extension Coverage {
  fileprivate init(_ members: Members) throws(DecodingFailure) {
    self.init(texts: try members.number("texts"), judged: try members.number("judged"))
    guard let entries = members["left_out"] else { return }
    for entry in entries.children {
      guard entry.kind == .number, let count = Int(entry.text) else {
        throw .unexpected(entry, at: "coverage.left_out", expected: "a whole number")
      }
      leftOut[entry.name] = count
    }
  }
}
