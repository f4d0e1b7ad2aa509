import CMessages
import Records

extension TeacherLabel {
  /// Reads a label from a `sluice.v1.TeacherLabel` message.
  init(protobuf payload: Span<UInt8>) throws(DecodingFailure) {
    let message = try unsafe ProtobufMessage(payload, sluice__v1__teacher_label__unpack)
    self = try unsafe message.read(TeacherLabel.init(fields:))
  }

  private init(fields: Sluice__V1__TeacherLabel) throws(DecodingFailure) {
    guard let prompt = try unsafe ProtobufField.text(fields.has_prompt, fields.prompt, at: "prompt")
    else { throw DecodingFailure(reason: .missingPrompt, detail: "prompt is not given") }
    try unsafe self.init(
      id: ProtobufField.text(fields.id, at: "id"),
      contentDigest: ProtobufField.bytes(fields.content_hash, count: 32, at: "content_hash"),
      prompt: prompt,
      response: ProtobufField.text(fields.has_response, fields.response, at: "response"),
      tenant: ProtobufField.text(fields.has_tenant, fields.tenant, at: "tenant"),
      teacherScore: Score(fields.p_unsafe), isUnsafe: fields.label != 0,
      teacher: ProtobufField.text(fields.teacher, at: "teacher"),
      templateDigest: ProtobufField.bytes(fields.template_hash, count: 32, at: "template_hash"),
      inclusionProbability: fields.inclusion_probability,
      stratum: ProtobufField.text(fields.stratum, at: "stratum"),
      guardModel: ProtobufField.text(fields.has_model, fields.model, at: "model"),
      guardScore: fields.has_score == 0 ? nil : Score(fields.score),
      source: ProtobufField.source(fields.source),
      labelledAtMilliseconds: fields.labelled_at_milliseconds)
  }
}
