internal import Basics
import Records
internal import StrictJSON

extension TeacherLabel {
  /// Reads a label from a JSON object.
  init(json object: JSONValue) throws(DecodingFailure) {
    let members = try Members(object)
    guard let labelledAt = try Timestamp.milliseconds(members.text("labelled_at")) else {
      throw .malformed("labelled_at: expected a time such as 2026-01-31T09:00:00.123Z")
    }
    guard let prompt = try members.optionalText("prompt") else {
      throw DecodingFailure(reason: .missingPrompt, detail: "prompt is not given")
    }
    self.init(
      id: try members.text("id"), contentDigest: try members.digest("content_hash"),
      prompt: prompt, response: try members.optionalText("response"),
      tenant: try members.optionalText("tenant"),
      teacherScore: Score(try members.number("p_unsafe")),
      isUnsafe: try members.boolean("label"), teacher: try members.text("teacher"),
      templateDigest: try members.digest("template_hash"),
      inclusionProbability: try members.number("inclusion_probability"),
      stratum: try members.text("stratum"), guardModel: try members.optionalText("model"),
      guardScore: try members.optionalNumber("score").map(Score.init(_:)),
      source: try members.position("source"), labelledAtMilliseconds: labelledAt)
  }
}

extension Members {
  fileprivate func digest(_ name: String) throws(DecodingFailure) -> [UInt8] {
    guard let bytes = Hexadecimal.bytes(try text(name)), bytes.count == 32 else {
      throw .malformed("\(name): expected 64 hexadecimal digits")
    }
    return bytes
  }
}
