package import Records
internal import Wire

/// A record of the dead-letter topic, with what its headers tell.
package struct StoredLetter: Sendable {
  /// The record as it was read: raw bytes, key and headers.
  package let record: InputRecord
  package let letter: DeadLetter
  /// The broker would not take the payload, which is lost.
  package let lacksPayload: Bool
  /// How often the record was replayed before it came here.
  package let replays: Int

  /// nil when the record is no dead letter.
  package init?(_ record: InputRecord) {
    guard let letter = DeadLetter(headers: record.headers) else { return nil }
    self.record = record
    self.letter = letter
    lacksPayload = record.headers.omitsPayload
    replays = record.headers.replays
  }

  /// The record to send again: raw bytes, key and the sender's headers, with one that counts.
  ///
  /// - Parameter partition: where to; nil leaves it to the key.
  package func replay(to topic: String, partition: Partition?) -> OutputRecord {
    OutputRecord(
      topic: topic, partition: partition, key: record.key, value: record.value,
      headers: record.headers.withoutOurs + [.replayed(replays + 1)]
        + record.headers.timestampHeader)
  }
}

/// Which dead letters are meant.
package struct LetterSelection: Hashable, Sendable {
  /// Any of these; empty for all.
  package var reasons: Set<DeadLetterReason>
  /// Those that were written then or later, in milliseconds since 1970-01-01 UTC; nil for all.
  package var sinceMilliseconds: Int64?
  /// So many at most, in the order in which they are read; nil for all.
  package var limit: Int?

  package init(
    reasons: Set<DeadLetterReason> = [], sinceMilliseconds: Int64? = nil, limit: Int? = nil
  ) {
    self.reasons = reasons
    self.sinceMilliseconds = sinceMilliseconds
    self.limit = limit
  }

  /// Whether a letter is meant, but for the limit. Within a partition times may go back a little,
  /// so they are looked at again after the place was found by time.
  func contains(_ stored: StoredLetter) -> Bool {
    let time = stored.record.timestampMilliseconds
    if let sinceMilliseconds, time >= 0, time < sinceMilliseconds { return false }
    return reasons.isEmpty || reasons.contains(stored.letter.reason)
  }
}
