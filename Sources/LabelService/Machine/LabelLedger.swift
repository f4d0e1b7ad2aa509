package import Records

/// Which records of each assigned partition are not done yet, and so how far may be committed.
///
/// Records are done in any order; the offset to commit is that of the first that is not. Each
/// assignment of a partition counts for itself: what was read under one that is gone is ignored.
package struct LabelLedger: Sendable {
  /// Names a record read under one assignment of its partition.
  package struct Ticket: Hashable, Sendable {
    fileprivate let assignment: Int
    fileprivate let topicPartition: TopicPartition
    fileprivate let offset: Offset
  }

  private struct Entry: Sendable {
    let assignment: Int
    /// In ascending order.
    var pending: [Offset] = []
    var received: Offset?
    /// What the group has, as far as is known: at first the first offset read.
    var committed: Offset?

    var committable: Offset? { pending.first ?? received?.next }
  }

  private var entries: [TopicPartition: Entry] = [:]
  private var assignments = 0

  package init() {}

  /// Partitions that are read from.
  package var assigned: [TopicPartition] { entries.keys.sorted() }

  /// Partitions came.
  package mutating func assign(_ partitions: [TopicPartition]) {
    for partition in partitions where entries[partition] == nil {
      assignments += 1
      entries[partition] = Entry(assignment: assignments)
    }
  }

  /// Partitions went.
  package mutating func remove(_ partitions: Set<TopicPartition>) {
    for partition in partitions { entries[partition] = nil }
  }

  /// A ticket for a record just read; nil when its partition is not assigned or it was read before.
  package mutating func admit(_ position: SourcePosition) -> Ticket? {
    guard var entry = entries[position.topicPartition] else { return nil }
    if let received = entry.received, position.offset <= received { return nil }
    if entry.received == nil { entry.committed = position.offset }
    entry.received = position.offset
    entry.pending.append(position.offset)
    entries[position.topicPartition] = entry
    return Ticket(
      assignment: entry.assignment, topicPartition: position.topicPartition,
      offset: position.offset)
  }

  /// Whether the record's partition is still ours.
  package func isLive(_ ticket: Ticket) -> Bool {
    entries[ticket.topicPartition]?.assignment == ticket.assignment
  }

  /// The record is done: it may be committed.
  package mutating func finish(_ ticket: Ticket) {
    guard isLive(ticket), var entry = entries[ticket.topicPartition] else { return }
    // Done in order most of the time; otherwise the queue is short.
    if let index = entry.pending.firstIndex(of: ticket.offset) { entry.pending.remove(at: index) }
    entries[ticket.topicPartition] = entry
  }

  /// The offsets that may be committed and are not.
  package var committable: [TopicPartition: Offset] {
    entries.compactMapValues { entry in
      guard let offset = entry.committable, offset != entry.committed else { return nil }
      return offset
    }
  }

  /// These offsets were committed.
  package mutating func committed(_ offsets: [TopicPartition: Offset]) {
    for (partition, offset) in offsets { entries[partition]?.committed = offset }
  }
}
