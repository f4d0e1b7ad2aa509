package import Records

/// Where records come from: a consumer group's member, or a list in tests.
///
/// One thread polls and closes; `hold` is called by the same thread between polls.
package protocol Source: Sendable {
  associatedtype Cause: TransportCause

  /// Appends up to `max` records: waits for the first, then takes what is there.
  ///
  /// - Parameter onChange: called on this thread, before the call returns. The source has begun to
  ///   read what was assigned; it gives back what was revoked once the handler returns.
  /// - Throws: when reading is over and the source of no more use.
  func poll(
    into records: inout [InputRecord], max: Int, timeout: Duration,
    onChange: (AssignmentChange) -> Void
  ) throws(Cause)

  /// Stops reading those of the assigned partitions that `isHeld`, and goes on reading the others.
  /// Polling goes on.
  func hold(where isHeld: (TopicPartition) -> Bool) throws(Cause)

  /// Gives everything back, through a last `onChange`, and leaves; false when that took too long.
  func close(timeout: Duration, onChange: (AssignmentChange) -> Void) throws(Cause) -> Bool
}
