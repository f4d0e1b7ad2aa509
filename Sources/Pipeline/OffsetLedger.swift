internal import DequeModule
package import Records

/// Names one assignment of one partition: a partition that is revoked and comes back gets a new
/// one.
struct AssignmentID: Hashable, Sendable {
  let number: Int
}

/// The offset ledger: which partitions are assigned, how far each was read and committed, and how
/// many of its records are still on their way.
///
/// Each assignment of a partition has an entry of its own, so that records read under an assignment
/// that is gone can be told apart from those read after the partition came back.
package struct OffsetLedger: Sendable {
  private enum Phase { case live, draining, dead }

  private struct Entry {
    let topicPartition: TopicPartition
    var phase = Phase.live
    var received: Offset?
    var committed: Offset?
    /// When each record on its way was written, in milliseconds since 1970, in their order.
    var outstanding = Deque<Int64>()
  }

  private var entries: [AssignmentID: Entry] = [:]
  private var live: [TopicPartition: AssignmentID] = [:]
  private var nextNumber = 0

  package init() {}

  /// Partitions that may be read from.
  package var assigned: Set<TopicPartition> { Set(live.keys) }

  /// The number of each assigned partition's present assignment.
  package var assignments: [TopicPartition: Int] { live.mapValues(\.number) }

  /// Opens an entry for each partition.
  package mutating func assign(_ partitions: [TopicPartition]) {
    for partition in partitions where live[partition] == nil {
      let id = AssignmentID(number: nextNumber)
      nextNumber += 1
      entries[id] = Entry(topicPartition: partition)
      live[partition] = id
    }
  }

  /// Takes the partitions' entries out of reading; what is already judged may still be committed.
  package mutating func drain(_ partitions: [TopicPartition]) {
    for partition in partitions {
      guard let id = live.removeValue(forKey: partition) else { continue }
      entries[id]?.phase = .draining
      forgetIfDone(id)
    }
  }

  /// Gives the partitions' entries up: nothing of theirs may start to be published any more.
  package mutating func abandon(_ partitions: Set<TopicPartition>) {
    drain(Array(partitions))
    for (id, entry) in entries where entry.phase == .draining {
      if partitions.contains(entry.topicPartition) { entries[id]?.phase = .dead }
    }
  }

  /// The assignment for a record just read, or nil when its partition is not assigned or the record
  /// was read before under the same assignment.
  mutating func admit(_ record: InputRecord) -> AssignmentID? {
    let source = record.source
    guard let id = live[source.topicPartition], let place = entries.index(forKey: id) else {
      return nil
    }
    if let received = entries.values[place].received, source.offset <= received { return nil }
    entries.values[place].received = source.offset
    entries.values[place].outstanding.append(record.timestampMilliseconds)
    return id
  }

  /// Whether a record of that assignment is still worth judging.
  func mayJudge(_ id: AssignmentID) -> Bool { entries[id]?.phase == .live }

  /// Whether a record of that assignment may still be published.
  func mayPublish(_ id: AssignmentID) -> Bool {
    guard let phase = entries[id]?.phase else { return false }
    return phase != .dead
  }

  /// Counts a record of that assignment as done without a commit: it was dropped, and whoever owns
  /// the partition next reads it again.
  mutating func drop(_ id: AssignmentID) {
    entries[id]?.outstanding.removeFirst()
    forgetIfDone(id)
  }

  /// Counts a record of that assignment as committed.
  mutating func commit(_ id: AssignmentID, _ source: SourcePosition) {
    guard let place = entries.index(forKey: id) else { return }
    if let committed = entries.values[place].committed {
      precondition(source.offset >= committed, "a commit would go backwards")
    }
    entries.values[place].committed = source.offset.next
    entries.values[place].outstanding.removeFirst()
    if entries.values[place].phase != .live { forgetIfDone(id) }
  }

  /// Whether nothing of these partitions' former assignments is on its way.
  package func isDrained(_ partitions: Set<TopicPartition>) -> Bool {
    !entries.values.contains {
      $0.phase != .live && !$0.outstanding.isEmpty && partitions.contains($0.topicPartition)
    }
  }

  /// The next offset to read once everything committed so far is counted, per assigned partition
  /// that has committed anything.
  package var committed: [TopicPartition: Offset] {
    live.compactMapValues { entries[$0]?.committed }
  }

  /// When the oldest record was written that was read and not committed yet, in milliseconds since
  /// 1970, per assigned partition that has one.
  package var oldest: [TopicPartition: Int64] {
    live.compactMapValues { entries[$0]?.outstanding.first }
  }

  private mutating func forgetIfDone(_ id: AssignmentID) {
    guard let entry = entries[id], entry.phase != .live, entry.outstanding.isEmpty else { return }
    entries[id] = nil
  }
}
