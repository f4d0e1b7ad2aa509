package import Records

/// Writes outputs and the offsets of the inputs they came from.
package protocol Sink: Sendable {
  /// Proof of which assignment outputs were made under, so that a broker can refuse those of one
  /// that is over (KIP-447).
  associatedtype Membership: Sendable
  associatedtype Cause: TransportCause

  /// The membership now. It must be taken before the records are chosen: taken later, it could let
  /// through records of an assignment that ended in between.
  func membership() throws(Cause) -> Membership

  /// Publishes `records` in order and commits `offsets`, each the next one to read. Blocks; one
  /// thread at a time.
  ///
  /// The offsets must be of partitions that are owned now: finish inside the handler of a
  /// revocation, or drop the records.
  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], as membership: Membership
  ) throws(PublishFailure<Cause>)
}

/// Why records and offsets were not published.
package enum PublishFailure<Cause: TransportCause>: Error, Hashable, Sendable {
  /// Nothing was committed; the same records may be published again.
  case aborted(Cause)
  /// Nothing was committed, and the record at this index never can be: the broker refuses it.
  case rejected(index: Int, Cause)
  /// This process cannot go on, as when another instance has fenced it. Whether the records were
  /// committed is for the next one to see from the committed offsets.
  case fatal(Cause)

  /// The error underneath.
  package var cause: Cause {
    switch self {
    case .aborted(let cause), .rejected(_, let cause), .fatal(let cause): cause
    }
  }
}
