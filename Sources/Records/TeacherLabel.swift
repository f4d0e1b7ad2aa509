/// What the teacher says of one exchange, with the texts and how the exchange was chosen.
package struct TeacherLabel: Hashable, Sendable {
  /// The exchange's identifier.
  package var id: String
  /// SHA-256 over the texts, 32 bytes: the label's identity, by which it is erased.
  package var contentDigest: [UInt8]
  package var prompt: String
  /// nil when the prompt was judged alone.
  package var response: String?
  package var tenant: String?
  /// The teacher's probability that the exchange is unsafe.
  package var teacherScore: Score
  /// The teacher's decision at its own threshold.
  package var isUnsafe: Bool
  /// The teacher model, as its server names it.
  package var teacher: String
  /// SHA-256 over the prompt template that the teacher was asked with, 32 bytes.
  package var templateDigest: [UInt8]
  /// The probability with which sampling chose this exchange, above 0 and at most 1.
  package var inclusionProbability: Double
  /// Why it was chosen, such as `random`.
  package var stratum: String
  /// The guard model whose verdict was sampled; nil for synthetic examples.
  package var guardModel: String?
  /// That model's score.
  package var guardScore: Score?
  /// The exchange's place in the input topic; nil for synthetic examples.
  package var source: SourcePosition?
  /// Milliseconds since 1970-01-01 UTC.
  package var labelledAtMilliseconds: Int64

  package init(
    id: String, contentDigest: [UInt8], prompt: String, response: String? = nil,
    tenant: String? = nil, teacherScore: Score, isUnsafe: Bool, teacher: String,
    templateDigest: [UInt8], inclusionProbability: Double, stratum: String,
    guardModel: String? = nil, guardScore: Score? = nil, source: SourcePosition? = nil,
    labelledAtMilliseconds: Int64
  ) {
    self.id = id
    self.contentDigest = contentDigest
    self.prompt = prompt
    self.response = response
    self.tenant = tenant
    self.teacherScore = teacherScore
    self.isUnsafe = isUnsafe
    self.teacher = teacher
    self.templateDigest = templateDigest
    self.inclusionProbability = inclusionProbability
    self.stratum = stratum
    self.guardModel = guardModel
    self.guardScore = guardScore
    self.source = source
    self.labelledAtMilliseconds = labelledAtMilliseconds
  }
}
