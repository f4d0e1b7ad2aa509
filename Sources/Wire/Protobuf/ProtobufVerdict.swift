import CMessages
import Records

extension Verdict {
  /// Reads a verdict from a `sluice.v1.Verdict` message. `score` follows from the other scores.
  init(protobuf payload: Span<UInt8>) throws(DecodingFailure) {
    let message = try unsafe ProtobufMessage(payload, sluice__v1__verdict__unpack)
    self = try unsafe message.read(Verdict.init(fields:))
  }

  private init(fields: Sluice__V1__Verdict) throws(DecodingFailure) {
    guard let action = unsafe Action(protobufNumber: Int64(fields.action.rawValue)) else {
      throw .malformed("action: no action of that number")
    }
    guard let tokens = unsafe Int(exactly: fields.tokens) else {
      throw .malformed("tokens: out of range")
    }
    let judgement = unsafe Judgement(
      promptScore: fields.has_prompt_score == 0 ? nil : Score(fields.prompt_score),
      responseScore: fields.has_response_score == 0 ? nil : Score(fields.response_score),
      tokens: tokens, windows: Int(fields.windows))
    try unsafe self.init(
      id: ProtobufField.text(fields.id, at: "id"), flagged: fields.flagged != 0, action: action,
      judgement: judgement, threshold: fields.threshold,
      model: ProtobufField.text(fields.model, at: "model"),
      policy: ProtobufField.text(fields.policy, at: "policy"),
      source: ProtobufField.source(fields.source),
      judgedAtMilliseconds: fields.judged_at_milliseconds,
      metadata: ProtobufField.metadata(fields.metadata, count: fields.n_metadata))
  }
}
