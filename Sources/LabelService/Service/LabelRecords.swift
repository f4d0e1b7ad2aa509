internal import Datasets
internal import Kafka
internal import Records
internal import Wire

/// Turns records of the two topics into what the machine understands.
struct LabelDecoder: ~Copyable {
  /// The header in which the score of a model in shadow may stand.
  static let shadowHeader = "sluice-shadow-score"

  private let sampler: Sampler
  private let verdictsTopic: String
  private let verdictFormat: PayloadFormat
  private var exchanges: ExchangeDecoder
  private var verdicts = VerdictDecoder()

  init(
    sampler: Sampler, verdictsTopic: String, inputFormat: PayloadFormat,
    verdictFormat: PayloadFormat
  ) {
    self.sampler = sampler
    self.verdictsTopic = verdictsTopic
    self.verdictFormat = verdictFormat
    exchanges = ExchangeDecoder(defaultFormat: inputFormat)
  }

  /// An exchange that no stratum can choose is not even decoded.
  mutating func decode(_ record: InputRecord) -> LabelInput {
    let position = record.source
    guard position.topic != verdictsTopic else { return decodeVerdict(record) }
    guard sampler.mayChoose(position), let value = record.value,
      let exchange = try? exchanges.decode(value, headers: record.headers)
    else { return .passed(position) }
    return .exchange(position, exchange, bytes: record.byteCount)
  }

  private mutating func decodeVerdict(_ record: InputRecord) -> LabelInput {
    guard let value = record.value,
      let verdict = try? verdicts.decode(
        value, headers: record.headers, default: verdictFormat)
    else { return .noVerdict(record.source) }
    let shadow = record.headers.text(of: Self.shadowHeader).flatMap { Float($0) }
      .flatMap { (0...1).contains($0) ? Score($0) : nil }
    return .verdict(record.source, verdict, shadowScore: shadow)
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
