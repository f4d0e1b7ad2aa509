package import Records

/// Judges prepared exchanges: a guard model, or something simpler in tests and benchmarks.
package protocol Classifier: Sendable {
  /// The model's name and hash as verdicts show it, such as `guard-tiny@3f9c2a1b`.
  var model: String { get }

  /// The judgements of `exchanges`, in their order.
  ///
  /// - Throws: `ClassifierFailure`; the pipeline then halves the batch until the culprit is alone.
  func judge(_ exchanges: [PreparedExchange]) throws(ClassifierFailure) -> [Judgement]
}

/// Why a batch could not be judged.
package struct ClassifierFailure: Error, Hashable, Sendable {
  /// What failed, without the user's text.
  package let detail: String
  /// Trying again is pointless for every record, as when a device is lost: the service must leave.
  package let isFatal: Bool

  package init(detail: String, isFatal: Bool = false) {
    self.detail = detail
    self.isFatal = isFatal
  }
}

/// Writes outputs and the offsets of the inputs they came from, as one unit.
package protocol Sink: Sendable {
  /// Publishes everything or, as far as a `read_committed` reader sees, nothing.
  ///
  /// - Parameter offsets: for each partition, the offset of the next record to read.
  /// - Throws: `SinkFailure`, which says whether the same may be published again.
  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset]
  ) throws(SinkFailure)
}

/// Why a transaction was not committed.
package enum SinkFailure: Error, Hashable, Sendable {
  /// Nothing was published; publishing the same again is safe and may succeed.
  case aborted(detail: String)
  /// Nothing was published, and never will be with the record at this index.
  case rejected(index: Int, detail: String)
  /// The sink is of no more use, as when another instance has fenced this one.
  case fatal(detail: String)
}
