internal import Basics
package import Records
internal import StrictJSON

/// Writes verdicts as they are published.
///
/// What a verdict does not have is left out, never null: `prompt_score`, `response_score`,
/// `source`, an empty or unwanted `metadata`, and what nothing fills.
package struct VerdictEncoder: Sendable {
  /// Whether a verdict repeats its exchange's metadata.
  package let echoesMetadata: Bool

  /// An encoder with `wire.echo_metadata` as given.
  package init(echoesMetadata: Bool = false) {
    self.echoesMetadata = echoesMetadata
  }

  /// The payload that publishes a verdict.
  package func encode(_ verdict: Verdict, as format: PayloadFormat) -> [UInt8] {
    switch format {
    case .json: json(verdict)
    case .protobuf: protobuf(verdict)
    }
  }

  private func json(_ verdict: Verdict) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.name("id")
    writer.text(verdict.id)
    writer.name("flagged")
    writer.boolean(verdict.flagged)
    writer.name("action")
    writer.text(verdict.action.rawValue)
    writer.name("score")
    writer.number(verdict.judgement.score.rawValue)
    if let score = verdict.judgement.promptScore {
      writer.name("prompt_score")
      writer.number(score.rawValue)
    }
    if let score = verdict.judgement.responseScore {
      writer.name("response_score")
      writer.number(score.rawValue)
    }
    writer.name("threshold")
    writer.number(verdict.threshold)
    writer.name("model")
    writer.text(verdict.model)
    writer.name("policy")
    writer.text(verdict.policy)
    writer.name("tokens")
    writer.number(verdict.judgement.tokens)
    writer.name("windows")
    writer.number(verdict.judgement.windows)
    if let coverage = verdict.coverage { writer.coverage(coverage) }
    if !verdict.categories.isEmpty { writer.categories(verdict.categories) }
    if let precision = verdict.precision {
      writer.name("precision")
      writer.text(precision)
    }
    if let decidedBy = verdict.decidedBy {
      writer.name("decided_by")
      writer.text(decidedBy)
    }
    if let digest = verdict.policyDigest {
      writer.name("policy_digest")
      writer.text(digest)
    }
    if let source = verdict.source { writer.position("source", source) }
    if let supersedes = verdict.supersedes { writer.position("supersedes", supersedes) }
    writer.name("judged_at")
    writer.timestamp(milliseconds: verdict.judgedAtMilliseconds)
    if echoesMetadata, !verdict.metadata.isEmpty { writer.metadata(verdict.metadata) }
    writer.endObject()
    return writer.bytes
  }

  private func protobuf(_ verdict: Verdict) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.text(1, verdict.id)
    writer.boolean(2, verdict.flagged)
    writer.integer(3, verdict.action.protobufNumber)
    writer.float(4, verdict.judgement.score.rawValue)
    if let score = verdict.judgement.promptScore { writer.float(5, score.rawValue) }
    if let score = verdict.judgement.responseScore { writer.float(6, score.rawValue) }
    writer.float(7, verdict.threshold)
    writer.text(8, verdict.model)
    writer.text(9, verdict.policy)
    writer.integer(10, Int64(verdict.judgement.tokens))
    writer.integer(11, Int64(verdict.judgement.windows))
    if let source = verdict.source { writer.source(12, source) }
    writer.integer(13, verdict.judgedAtMilliseconds)
    if echoesMetadata { writer.metadata(14, verdict.metadata) }
    if let coverage = verdict.coverage { writer.coverage(15, coverage) }
    for category in verdict.categories { writer.category(16, category) }
    if let precision = verdict.precision { writer.text(17, precision) }
    if let decidedBy = verdict.decidedBy { writer.text(18, decidedBy) }
    if let digest = verdict.policyDigest { writer.text(19, digest) }
    if let supersedes = verdict.supersedes { writer.source(20, supersedes) }
    return writer.bytes
  }
}

extension JSONWriter {
  /// Writes a moment as RFC 3339 text.
  mutating func timestamp(milliseconds: Int64) {
    plainText { Timestamp.append(milliseconds, to: &$0) }
  }

  /// Writes a place in Kafka as the member of that name.
  mutating func position(_ member: StaticString, _ position: SourcePosition) {
    name(member)
    beginObject()
    name("topic")
    text(position.topic)
    name("partition")
    number(position.partition.rawValue)
    name("offset")
    number(position.offset.rawValue)
    endObject()
  }

  /// Writes the member `coverage`.
  mutating func coverage(_ coverage: Coverage) {
    name("coverage")
    beginObject()
    name("texts")
    number(coverage.texts)
    name("judged")
    number(coverage.judged)
    if !coverage.leftOut.isEmpty {
      name("left_out")
      beginObject()
      for (reason, count) in coverage.leftOut.sorted(by: { $0.key < $1.key }) {
        name(escaping: reason)
        number(count)
      }
      endObject()
    }
    endObject()
  }

  /// Writes the member `categories`.
  mutating func categories(_ categories: [Category]) {
    name("categories")
    beginArray()
    for category in categories {
      beginObject()
      name("name")
      text(category.name)
      name("probability")
      number(category.probability)
      endObject()
    }
    endArray()
  }

  /// Writes the member `metadata`, every value a string.
  mutating func metadata(_ entries: [MetadataEntry]) {
    name("metadata")
    beginObject()
    for entry in entries {
      name(escaping: entry.name)
      text(entry.value)
    }
    endObject()
  }
}
