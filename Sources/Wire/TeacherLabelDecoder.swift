package import Records
internal import StrictJSON

/// Reads published teacher labels back: for the label store and the retrain job.
package struct TeacherLabelDecoder: ~Copyable, Sendable {
  private var json = JSONParser()

  /// A decoder with buffers of its own; it serves one thread.
  package init() {}

  /// The label in a record's payload, whose format its headers tell; protobuf without them.
  package mutating func decode(_ payload: [UInt8], headers: [Header]) throws(DecodingFailure)
    -> TeacherLabel
  {
    try decode(payload, as: PayloadFormat(headers: headers) ?? .protobuf)
  }

  /// The label in a payload whose format is known. Probabilities out of range are an error.
  package mutating func decode(_ payload: [UInt8], as format: PayloadFormat)
    throws(DecodingFailure) -> TeacherLabel
  {
    let label: TeacherLabel
    switch format {
    case .json:
      label = try json.parse(payload.span, malformed: DecodingFailure.malformed) {
        (document) throws(DecodingFailure) in
        try TeacherLabel(json: document)
      }
    case .protobuf: label = try TeacherLabel(protobuf: payload.span)
    }
    guard (0...1).contains(label.teacherScore.rawValue) else {
      throw .malformed("p_unsafe: expected a probability")
    }
    guard label.inclusionProbability > 0, label.inclusionProbability <= 1 else {
      throw .malformed("inclusion_probability: expected a probability above 0")
    }
    return label
  }
}
