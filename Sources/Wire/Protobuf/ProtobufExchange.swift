import CMessages
import Records

extension Exchange {
  /// Reads the exchange from a `sluice.v1.Exchange` message.
  init(protobuf payload: Span<UInt8>) throws(DecodingFailure) {
    let message = try unsafe ProtobufMessage(payload, sluice__v1__exchange__unpack)
    self = try unsafe message.read(Exchange.init(fields:))
  }

  private init(fields: Sluice__V1__Exchange) throws(DecodingFailure) {
    guard let prompt = try unsafe ProtobufField.text(fields.has_prompt, fields.prompt, at: "prompt")
    else { throw DecodingFailure(reason: .missingPrompt, detail: "prompt is not given") }
    try unsafe self.init(
      id: ProtobufField.text(fields.has_id, fields.id, at: "id"), prompt: prompt,
      response: ProtobufField.text(fields.has_response, fields.response, at: "response"),
      model: ProtobufField.text(fields.has_model, fields.model, at: "model"),
      tenant: ProtobufField.text(fields.has_tenant, fields.tenant, at: "tenant"),
      metadata: ProtobufField.metadata(fields.metadata, count: fields.n_metadata))
  }
}
