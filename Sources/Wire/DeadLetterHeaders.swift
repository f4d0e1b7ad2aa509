package import Records

extension DeadLetter {
  /// Headers that tell why the record beside them got no verdict and where it stood. They go after
  /// the record's own headers, whose value is published untouched.
  package var headers: [Header] {
    var headers = [
      Header("sluice-error-reason", reason.rawValue),
      Header("sluice-error-detail", detail),
      Header("sluice-error-topic", source.topic),
      Header("sluice-error-partition", String(source.partition.rawValue)),
      Header("sluice-error-offset", String(source.offset.rawValue)),
      Header("sluice-error-attempts", String(attempts)),
    ]
    if let model { headers.append(Header("sluice-error-model", model)) }
    return headers
  }

  /// The dead letter that these headers tell of; nil when its reason or its place is missing.
  package init?(headers: [Header]) {
    guard
      let reason = headers.text(of: "sluice-error-reason").flatMap(
        DeadLetterReason.init(rawValue:)),
      let topic = headers.text(of: "sluice-error-topic"), !topic.isEmpty,
      let partition = headers.text(of: "sluice-error-partition").flatMap({ Int32($0) }),
      partition >= 0,
      let offset = headers.text(of: "sluice-error-offset").flatMap({ Int64($0) }), offset >= 0
    else { return nil }
    self.init(
      reason: reason, detail: headers.text(of: "sluice-error-detail") ?? "",
      source: SourcePosition(topic: topic, partition: partition, offset: offset),
      model: headers.text(of: "sluice-error-model"),
      attempts: headers.text(of: "sluice-error-attempts").flatMap { Int($0) } ?? 0)
  }
}

extension Header {
  /// Beside a dead letter whose payload the broker would not take.
  package static let payloadOmitted = Header("sluice-error-payload", "omitted")

  /// How often a record was replayed from the dead-letter topic.
  package static func replayed(_ count: Int) -> Header {
    Header("sluice-replayed", String(count))
  }
}

extension [Header] {
  /// Replays that are counted; a sender who writes the header gains nothing by it.
  private static var replaysMax: Int { 1_000_000 }

  /// How often the record was replayed from the dead-letter topic.
  package var replays: Int {
    let count = text(of: "sluice-replayed").flatMap { Int($0) } ?? 0
    return Swift.min(Swift.max(0, count), Self.replaysMax)
  }

  /// Whether the dead letter's payload was left out.
  package var omitsPayload: Bool { contains(.payloadOmitted) }
}
