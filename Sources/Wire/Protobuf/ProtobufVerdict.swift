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
      metadata: ProtobufField.metadata(fields.metadata, count: fields.n_metadata),
      coverage: Coverage(fields.coverage),
      categories: Self.categories(fields),
      precision: ProtobufField.text(fields.has_precision, fields.precision, at: "precision"),
      decidedBy: ProtobufField.text(fields.has_decided_by, fields.decided_by, at: "decided_by"),
      policyDigest: ProtobufField.text(
        fields.has_policy_digest, fields.policy_digest, at: "policy_digest"),
      supersedes: ProtobufField.source(fields.supersedes))
  }

  private static func categories(
    _ fields: Sluice__V1__Verdict
  ) throws(DecodingFailure) -> [Category] {
    var categories: [Category] = []
    for index in 0..<(unsafe fields.n_categories) {
      guard let category = unsafe fields.categories?[index]?.pointee else { continue }
      categories.append(
        Category(
          name: try unsafe ProtobufField.text(category.name, at: "categories[].name"),
          probability: unsafe category.probability))
    }
    return categories
  }
}

extension Coverage {
  /// nil when the field is absent.
  fileprivate init?(
    _ coverage: UnsafeMutablePointer<Sluice__V1__Coverage>?
  ) throws(DecodingFailure) {
    guard let coverage = unsafe coverage?.pointee else { return nil }
    unsafe self.init(texts: Int(coverage.texts), judged: Int(coverage.judged))
    for index in 0..<(unsafe coverage.n_left_out) {
      guard let entry = unsafe coverage.left_out?[index]?.pointee else { continue }
      leftOut[try unsafe ProtobufField.text(entry.key, at: "coverage.left_out[].key")] =
        unsafe Int(entry.value)
    }
  }
}
