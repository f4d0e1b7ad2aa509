package import Records

/// Where records come from: a consumer group's member, or a list in tests.
///
/// One thread polls and closes; `pause` and `resume` are called by the same thread between polls.
package protocol Source: Sendable {
  /// Appends up to `max` records, waiting for the first at most `timeoutMilliseconds`.
  ///
  /// - Parameter onChange: called on this thread, before the call returns. The source has begun to
  ///   read what was assigned; it gives back what was revoked once the handler returns.
  func poll(
    into records: inout [InputRecord], max: Int, timeoutMilliseconds: Int,
    onChange: (AssignmentChange) -> Void
  ) throws(SourceFailure)

  /// Stops reading everything that is assigned; polling goes on.
  func pause() throws(SourceFailure)

  /// Goes on reading.
  func resume() throws(SourceFailure)

  /// Gives everything back, through a last `onChange`, and leaves; false when that took too long.
  func close(
    timeoutMilliseconds: Int, onChange: (AssignmentChange) -> Void
  ) throws(SourceFailure) -> Bool
}

/// A change of the partitions that are read.
package enum AssignmentChange: Hashable, Sendable {
  case assigned([TopicPartition])
  /// To be given back in order: what is judged can still be committed.
  case revoked([TopicPartition])
  /// Already another's: nothing of theirs can be committed any more.
  case lost([TopicPartition])
}

/// Reading is over: the source is of no more use.
package struct SourceFailure: Error, Hashable, Sendable {
  /// What failed, without data of users.
  package let detail: String

  package init(detail: String) { self.detail = detail }
}
