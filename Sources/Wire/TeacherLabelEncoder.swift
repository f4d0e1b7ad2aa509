internal import Basics
package import Records
internal import StrictJSON

/// Writes teacher labels as they are published; what a label does not have is left out.
package enum TeacherLabelEncoder {
  /// The payload that publishes a label.
  package static func encode(_ label: TeacherLabel, as format: PayloadFormat) -> [UInt8] {
    switch format {
    case .json: json(label)
    case .protobuf: protobuf(label)
    }
  }

  private static func capacity(_ label: TeacherLabel) -> Int {
    512 + label.prompt.utf8.count + (label.response?.utf8.count ?? 0)
  }

  private static func json(_ label: TeacherLabel) -> [UInt8] {
    var writer = JSONWriter(capacity: capacity(label))
    writer.beginObject()
    writer.name("id")
    writer.text(label.id)
    writer.name("content_hash")
    writer.text(Hexadecimal.text(label.contentDigest))
    writer.name("p_unsafe")
    writer.number(label.teacherScore.rawValue)
    writer.name("label")
    writer.boolean(label.isUnsafe)
    writer.name("inclusion_probability")
    writer.number(label.inclusionProbability)
    writer.name("stratum")
    writer.text(label.stratum)
    writer.name("teacher")
    writer.text(label.teacher)
    writer.name("template_hash")
    writer.text(Hexadecimal.text(label.templateDigest))
    writer.name("labelled_at")
    writer.timestamp(milliseconds: label.labelledAtMilliseconds)
    if let source = label.source { writer.position("source", source) }
    if let tenant = label.tenant {
      writer.name("tenant")
      writer.text(tenant)
    }
    if let model = label.guardModel {
      writer.name("model")
      writer.text(model)
    }
    if let score = label.guardScore {
      writer.name("score")
      writer.number(score.rawValue)
    }
    writer.name("prompt")
    writer.text(label.prompt)
    if let response = label.response {
      writer.name("response")
      writer.text(response)
    }
    writer.endObject()
    return writer.bytes
  }

  private static func protobuf(_ label: TeacherLabel) -> [UInt8] {
    var writer = ProtobufWriter(capacity: capacity(label))
    writer.text(1, label.id)
    writer.bytes(2, label.contentDigest)
    writer.float(3, label.teacherScore.rawValue)
    writer.boolean(4, label.isUnsafe)
    writer.double(5, label.inclusionProbability)
    writer.text(6, label.stratum)
    writer.text(7, label.teacher)
    writer.bytes(8, label.templateDigest)
    writer.integer(9, label.labelledAtMilliseconds)
    if let source = label.source { writer.source(10, source) }
    if let tenant = label.tenant { writer.text(11, tenant) }
    if let model = label.guardModel { writer.text(12, model) }
    if let score = label.guardScore { writer.float(13, score.rawValue) }
    writer.text(14, label.prompt)
    if let response = label.response { writer.text(15, response) }
    return writer.bytes
  }
}
