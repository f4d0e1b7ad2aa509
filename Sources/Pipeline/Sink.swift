package import Records

/// Writes outputs and the offsets of the inputs they came from, as one unit.
package protocol Sink: Sendable {
  /// Proof of which assignment outputs were made under, so that a broker can refuse those of one
  /// that is over (KIP-447).
  associatedtype Membership: Sendable

  /// The membership now. It must be taken before a transaction is formed: taken later, it could let
  /// through records of an assignment that ended in between.
  func membership() throws(SinkFailure) -> Membership

  /// Publishes everything or, as far as a `read_committed` reader sees, nothing.
  ///
  /// - Parameter offsets: for each partition, the offset of the next record to read.
  /// - Throws: `SinkFailure`, which says whether the same may be published again.
  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], as membership: Membership
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

  /// What failed, without data of users.
  package var detail: String {
    switch self {
    case .aborted(let detail), .rejected(_, let detail), .fatal(let detail): detail
    }
  }
}
