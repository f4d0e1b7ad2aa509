package import Pipeline
package import Records
internal import Wire

/// Turns judged items into the records to write, one thread each.
package struct OutputEncoder: Sendable {
  private let router: Router
  private let verdicts: VerdictEncoder
  private var verdictHeaders = VerdictHeaders()
  /// The format of all verdicts; nil writes each in its input's format.
  private let format: PayloadFormat?
  private let partitionCounts: [String: Int]
  private let keepsTimestamps: Bool

  /// - Parameter partitionCounts: how many partitions each output topic has. The partition of the
  ///   input is kept where it exists, and wraps around where it does not, so that the order within
  ///   a partition survives in any case.
  package init(
    router: Router, format: PayloadFormat?, echoesMetadata: Bool, partitionCounts: [String: Int],
    keepsTimestamps: Bool = false
  ) {
    self.router = router
    self.format = format
    self.partitionCounts = partitionCounts
    self.keepsTimestamps = keepsTimestamps
    verdicts = VerdictEncoder(echoesMetadata: echoesMetadata)
  }

  /// Appends the records for `item`.
  package mutating func encode(_ item: JudgedItem, into records: inout [OutputRecord]) {
    let input = item.item.record
    let time = input.timestampHeader
    for dispatch in router.route(item) {
      var (value, headers) = payload(of: dispatch.content, item: item)
      if let time { headers.append(time) }
      records.append(
        OutputRecord(
          topic: dispatch.topic, partition: partition(for: input.source, in: dispatch.topic),
          key: input.key, value: value, headers: headers,
          timestampMilliseconds: keepsTimestamps && dispatch.content.isCopy
            ? input.originalTimestamp : nil))
    }
  }

  private mutating func payload(
    of content: Dispatch.Content, item: JudgedItem
  ) -> (value: [UInt8]?, headers: [Header]) {
    let input = item.item.record
    var passed = input.headers.withoutOurs
    switch content {
    case .verdict(let verdict):
      let format = format ?? item.format
      passed.removeAll(where: \.isContentType)
      verdictHeaders.append(verdict, format: format, to: &passed, other: 1)
      return (verdicts.encode(verdict, as: format), passed)
    case .original(let verdict):
      verdictHeaders.append(verdict, format: nil, to: &passed, other: 1)
      return (input.value, passed)
    case .unjudgedOriginal:
      return (input.value, passed + [Header("sluice-action", "unjudged")])
    case .deadLetter(let letter, let omitsPayload):
      let replays = input.headers.replays
      let marks = letter.headers + (replays > 0 ? [.replayed(replays)] : [])
      return omitsPayload
        ? (nil, marks + [.payloadOmitted]) : (input.value, passed + marks)
    case .tombstone:
      return (nil, passed)
    }
  }

  private func partition(for source: SourcePosition, in topic: String) -> Partition? {
    guard let count = partitionCounts[topic], count > 0 else { return nil }
    return Partition(source.partition.rawValue % Int32(count))
  }
}
