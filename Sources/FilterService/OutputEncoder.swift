package import Pipeline
package import Records
internal import Wire

/// Turns judged items into the records to write, one thread each.
package struct OutputEncoder: Sendable {
  private let router: Router
  private let verdicts: VerdictEncoder
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
  package func encode(_ item: JudgedItem, into records: inout [OutputRecord]) {
    let input = item.item.record
    let time = input.timestampHeader
    for dispatch in router.route(item) {
      let (value, headers) = payload(of: dispatch.content, item: item)
      records.append(
        OutputRecord(
          topic: dispatch.topic, partition: partition(for: input.source, in: dispatch.topic),
          key: input.key, value: value, headers: headers + time,
          timestampMilliseconds: keepsTimestamps && dispatch.content.isCopy
            ? input.originalTimestamp : nil))
    }
  }

  private func payload(
    of content: Dispatch.Content, item: JudgedItem
  ) -> (value: [UInt8]?, headers: [Header]) {
    let input = item.item.record
    let passed = input.headers.withoutOurs
    switch content {
    case .verdict(let verdict):
      let format = format ?? item.format
      let own = passed.filter { $0.name.lowercased() != "content-type" }
      return (verdicts.encode(verdict, as: format), own + verdict.headers(format: format))
    case .original(let verdict):
      let marks = verdict.headers(format: item.format).filter { $0.name != "content-type" }
      return (input.value, passed + marks)
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
