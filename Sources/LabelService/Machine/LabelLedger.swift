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

  private struct Lane: Sendable {
    let assignment: Int
    /// In ascending order.
    var pending: [Offset] = []
    var received: Offset?
    /// What the group has, as far as is known: at first the first offset read.
    var committed: Offset?

    var committable: Offset? { pending.first ?? received?.next }
  }

  private var lanes: [TopicPartition: Lane] = [:]
  private var assignments = 0

  package init() {}

  /// Partitions that are read from.
  package var assigned: [TopicPartition] { lanes.keys.sorted() }

  /// Partitions came.
  package mutating func assign(_ partitions: [TopicPartition]) {
    for partition in partitions where lanes[partition] == nil {
      assignments += 1
      lanes[partition] = Lane(assignment: assignments)
    }
  }

  /// Partitions went.
  package mutating func remove(_ partitions: Set<TopicPartition>) {
    for partition in partitions { lanes[partition] = nil }
  }

  /// A ticket for a record just read; nil when its partition is not assigned or it was read before.
  package mutating func admit(_ position: SourcePosition) -> Ticket? {
    guard var lane = lanes[position.topicPartition] else { return nil }
    if let received = lane.received, position.offset <= received { return nil }
    if lane.received == nil { lane.committed = position.offset }
    lane.received = position.offset
    lane.pending.append(position.offset)
    lanes[position.topicPartition] = lane
    return Ticket(
      assignment: lane.assignment, topicPartition: position.topicPartition,
      offset: position.offset)
  }

  /// Whether the record's partition is still ours.
  package func isLive(_ ticket: Ticket) -> Bool {
    lanes[ticket.topicPartition]?.assignment == ticket.assignment
  }

  /// The record is done: it may be committed.
  package mutating func finish(_ ticket: Ticket) {
    guard isLive(ticket), var lane = lanes[ticket.topicPartition] else { return }
    // Done in order most of the time; otherwise the queue is short.
    if let index = lane.pending.firstIndex(of: ticket.offset) { lane.pending.remove(at: index) }
    lanes[ticket.topicPartition] = lane
  }

  /// The offsets that may be committed and are not.
  package var committable: [TopicPartition: Offset] {
    lanes.compactMapValues { lane in
      guard let offset = lane.committable, offset != lane.committed else { return nil }
      return offset
    }
  }

  /// These offsets were committed.
  package mutating func committed(_ offsets: [TopicPartition: Offset]) {
    for (partition, offset) in offsets { lanes[partition]?.committed = offset }
  }
}
