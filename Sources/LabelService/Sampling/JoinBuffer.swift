package import Basics
package import Records

/// Brings exchanges and the verdicts on them together, which come from two topics at their own
/// pace.
///
/// Within a partition of the input, exchanges and verdicts come in the same order. So a verdict on
/// a later exchange tells that an earlier one gets none (it was a dead letter), and a later
/// exchange tells that an earlier one was read before and will not come. Time limits are for what
/// is left.
package struct JoinBuffer<Left: Sendable, Right: Sendable>: Sendable {
  /// What became of what was put in.
  package enum Outcome: Sendable {
    case joined(Left, Right)
    /// No verdict on the exchange will come.
    case unjudged(Left)
    /// The verdict on the exchange came and did not choose it.
    case notChosen(Left)
    /// The exchange of the verdict will not come.
    case orphaned(Right)
    /// Its other half did not come in time.
    case exchangeExpired(Left)
    case verdictExpired(Right)
  }

  private struct Waiting<Value: Sendable>: Sendable {
    let offset: Offset
    let value: Value
    let bytes: Int
    let arrival: Instant
    /// The partition that the record itself was read from.
    let origin: TopicPartition
  }

  private struct Entry: Sendable {
    /// In the order of their offsets.
    var exchanges: [Waiting<Left>] = []
    var verdicts: [Waiting<Right>] = []
    var exchangeMark: Offset?
    var verdictMark: Offset?
    /// Where the verdicts were read from.
    var verdictOrigins: Set<TopicPartition> = []
  }

  /// Exchanges, and verdicts, that wait at most, and the exchanges' bytes.
  package let recordsMax: Int
  package let bytesMax: Int
  package let timeoutMilliseconds: Int
  private var entries: [TopicPartition: Entry] = [:]
  package private(set) var waitingExchanges = 0
  package private(set) var waitingVerdicts = 0
  package private(set) var waitingBytes = 0

  package init(recordsMax: Int, bytesMax: Int, timeoutMilliseconds: Int) {
    self.recordsMax = recordsMax
    self.bytesMax = bytesMax
    self.timeoutMilliseconds = timeoutMilliseconds
  }

  /// How full the buffer is of exchanges, and of verdicts; 1 is full.
  package var exchangeFill: Double {
    max(
      Double(waitingExchanges) / Double(recordsMax), Double(waitingBytes) / Double(bytesMax))
  }
  package var verdictFill: Double { Double(waitingVerdicts) / Double(recordsMax) }

  /// An exchange was read.
  package mutating func add(
    exchange: Left, at position: SourcePosition, bytes: Int, now: Instant
  ) -> [Outcome] {
    var outcomes = pass(exchangeAt: position)
    var entry = entries[position.topicPartition] ?? Entry()
    if let index = entry.verdicts.firstIndex(where: { $0.offset == position.offset }) {
      let verdict = entry.verdicts.remove(at: index)
      waitingVerdicts -= 1
      outcomes.append(.joined(exchange, verdict.value))
    } else if let mark = entry.verdictMark, position.offset <= mark {
      outcomes.append(.notChosen(exchange))
    } else {
      let waiting = Waiting(
        offset: position.offset, value: exchange, bytes: bytes, arrival: now,
        origin: position.topicPartition)
      entry.exchanges.append(waiting)
      waitingExchanges += 1
      waitingBytes += bytes
    }
    entries[position.topicPartition] = entry
    return outcomes
  }

  /// An exchange was read that nobody wants: earlier ones will not come any more.
  package mutating func pass(exchangeAt position: SourcePosition) -> [Outcome] {
    var entry = entries[position.topicPartition] ?? Entry()
    entry.exchangeMark = max(entry.exchangeMark ?? position.offset, position.offset)
    let orphans = entry.verdicts.filter { $0.offset < position.offset }
    entry.verdicts.removeAll { $0.offset < position.offset }
    waitingVerdicts -= orphans.count
    entries[position.topicPartition] = entry
    return orphans.map { .orphaned($0.value) }
  }

  /// A verdict was read from `origin` on the exchange at `source`; `chosen` is nil when sampling
  /// does not want it.
  package mutating func add(
    verdictOn source: SourcePosition, chosen: Right?, from origin: TopicPartition,
    now: Instant
  ) -> [Outcome] {
    var entry = entries[source.topicPartition] ?? Entry()
    entry.verdictMark = max(entry.verdictMark ?? source.offset, source.offset)
    entry.verdictOrigins.insert(origin)
    var outcomes: [Outcome] = []
    var isFound = false
    for waiting in entry.exchanges.prefix(while: { $0.offset <= source.offset }) {
      waitingExchanges -= 1
      waitingBytes -= waiting.bytes
      if waiting.offset < source.offset {
        outcomes.append(.unjudged(waiting.value))
      } else if let chosen {
        isFound = true
        outcomes.append(.joined(waiting.value, chosen))
      } else {
        outcomes.append(.notChosen(waiting.value))
      }
    }
    entry.exchanges.removeAll { $0.offset <= source.offset }
    if let chosen, !isFound {
      if let mark = entry.exchangeMark, source.offset <= mark {
        outcomes.append(.orphaned(chosen))
      } else {
        entry.verdicts.append(
          Waiting(
            offset: source.offset, value: chosen, bytes: 0, arrival: now, origin: origin))
        waitingVerdicts += 1
      }
    }
    entries[source.topicPartition] = entry
    return outcomes
  }

  /// Gives up what has waited too long.
  package mutating func expire(now: Instant) -> [Outcome] {
    let limit = Int64(timeoutMilliseconds) * 1_000_000
    return take { now.nanoseconds(since: $0) >= limit }
  }

  /// Forgets what was read from partitions that went: their next owner reads it again.
  package mutating func forget(_ partitions: Set<TopicPartition>) {
    for key in Array(entries.keys) {
      guard var entry = entries[key] else { continue }
      if partitions.contains(key) {
        waitingExchanges -= entry.exchanges.count
        waitingBytes -= entry.exchanges.reduce(0) { $0 + $1.bytes }
        entry.exchanges.removeAll()
        entry.exchangeMark = nil
      }
      if !entry.verdictOrigins.isDisjoint(with: partitions) {
        // The verdicts come again, and may choose exchanges that come again.
        entry.verdictMark = nil
        entry.verdictOrigins.subtract(partitions)
      }
      let before = entry.verdicts.count
      entry.verdicts.removeAll { partitions.contains($0.origin) }
      waitingVerdicts -= before - entry.verdicts.count
      entries[key] = entry
    }
  }

  private mutating func take(_ isOver: (Instant) -> Bool) -> [Outcome] {
    var outcomes: [Outcome] = []
    for key in entries.keys.sorted() {
      guard var entry = entries[key] else { continue }
      for waiting in entry.exchanges.filter({ isOver($0.arrival) }) {
        waitingExchanges -= 1
        waitingBytes -= waiting.bytes
        outcomes.append(.exchangeExpired(waiting.value))
      }
      entry.exchanges.removeAll { isOver($0.arrival) }
      for waiting in entry.verdicts.filter({ isOver($0.arrival) }) {
        waitingVerdicts -= 1
        outcomes.append(.verdictExpired(waiting.value))
      }
      entry.verdicts.removeAll { isOver($0.arrival) }
      entries[key] = entry
    }
    return outcomes
  }
}
