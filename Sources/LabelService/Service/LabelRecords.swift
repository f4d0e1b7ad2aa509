internal import Basics
internal import Kafka
internal import Records
internal import Wire

/// Turns records of the topics into what the machine understands.
struct LabelDecoder: ~Copyable {
  private let sampler: Sampler
  private let verdictsTopic: String
  private let disagreementsTopic: String?
  private let verdictFormat: PayloadFormat
  private var exchanges: ExchangeDecoder
  private var verdicts = VerdictDecoder()

  init(
    sampler: Sampler, verdictsTopic: String, disagreementsTopic: String?,
    inputFormat: PayloadFormat, conversations: ConversationRules, verdictFormat: PayloadFormat
  ) {
    self.sampler = sampler
    self.verdictsTopic = verdictsTopic
    self.disagreementsTopic = disagreementsTopic
    self.verdictFormat = verdictFormat
    exchanges = ExchangeDecoder(defaultFormat: inputFormat, conversations: conversations)
  }

  /// An exchange that no stratum can choose is not even decoded.
  mutating func decode(_ record: InputRecord) -> LabelInput {
    let position = record.source
    guard position.topic != verdictsTopic else { return decodeVerdict(record) }
    guard position.topic != disagreementsTopic else { return decodeDisagreement(record) }
    guard sampler.mayChoose(position), let value = record.value,
      let exchange = try? exchanges.decode(value, headers: record.headers)
    else { return .passed(position) }
    return .exchange(position, exchange, bytes: record.byteCount)
  }

  private mutating func decodeVerdict(_ record: InputRecord) -> LabelInput {
    guard let value = record.value,
      let verdict = try? verdicts.decode(
        value, headers: record.headers, default: verdictFormat)
    else { return .unreadable(record.source) }
    return .verdict(record.source, verdict)
  }

  private mutating func decodeDisagreement(_ record: InputRecord) -> LabelInput {
    guard let value = record.value, let disagreement = Disagreement(headers: record.headers),
      let exchange = try? exchanges.decode(value, headers: record.headers)
    else { return .unreadable(record.source) }
    return .disagreement(record.source, exchange, disagreement)
  }
}

extension TeacherLabel {
  /// The record that publishes the label.
  func record(topic: String, format: PayloadFormat) -> OutputRecord {
    OutputRecord(
      topic: topic, partition: nil,
      key: Array((ContentDigest(bytes: contentDigest)?.description ?? "").utf8),
      value: TeacherLabelEncoder.encode(self, as: format),
      headers: [Header("content-type", format.contentType)])
  }
}

extension ContentDigest {
  /// The record that erases the content's labels.
  func tombstone(topic: String) -> OutputRecord {
    OutputRecord(topic: topic, partition: nil, key: Array(description.utf8), value: nil)
  }
}
