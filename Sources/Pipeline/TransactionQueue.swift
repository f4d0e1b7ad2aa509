internal import Basics
internal import DequeModule
package import Records

/// Names a transaction that is being published.
package struct TransactionID: Hashable, Sendable {
  let number: Int
}

/// Records to be published together with the offsets they bring forward, all judged by one model.
package struct Transaction: Sendable {
  package let id: TransactionID
  package let items: [JudgedItem]
  /// 1 for the first time.
  package let attempt: Int

  /// For each partition, the offset of the next record to read once this is committed.
  package var offsets: [TopicPartition: Offset] {
    var offsets: [TopicPartition: Offset] = [:]
    var last: TopicPartition?
    for item in items.reversed() {
      let source = item.item.record.source
      if source.topicPartition == last { continue }
      last = source.topicPartition
      offsets[source.topicPartition] = max(
        offsets[source.topicPartition] ?? source.offset.next, source.offset.next)
    }
    return offsets
  }
}

/// Judged records in order, published one transaction at a time.
///
/// A transaction takes whatever was judged while the one before was committed, so its size follows
/// the load by itself. A failed one is tried again with the same verdicts: nothing is judged twice.
struct TransactionQueue: Sendable {
  private let limits: StreamLimits
  private var ready = Deque<JudgedItem>()
  private(set) var inFlight: Transaction?
  private var failed: (items: [JudgedItem], attempts: Int, retryAt: Instant)?
  private var nextNumber = 0

  init(limits: StreamLimits) {
    self.limits = limits
  }

  var isEmpty: Bool { ready.isEmpty && inFlight == nil && failed == nil }

  mutating func append(_ items: [JudgedItem]) {
    ready.append(contentsOf: items)
  }

  /// Whether there is something to publish now.
  func isDue(now: Instant) -> Decision<Void> {
    guard inFlight == nil else { return .wait(until: nil) }
    if let failed { return now >= failed.retryAt ? .perform(()) : .wait(until: failed.retryAt) }
    return ready.isEmpty ? .wait(until: nil) : .perform(())
  }

  /// Starts the next transaction if none is in flight and there is something to publish.
  mutating func next(now: Instant) -> Decision<Transaction> {
    guard inFlight == nil else { return .wait(until: nil) }
    if let (items, attempts, retryAt) = failed {
      guard now >= retryAt else { return .wait(until: retryAt) }
      failed = nil
      if !items.isEmpty { return .perform(start(items, attempt: attempts + 1)) }
    }
    guard !ready.isEmpty else { return .wait(until: nil) }
    return .perform(start(ready.take(fill()), attempt: 1))
  }

  /// Ends the transaction in flight and returns it.
  mutating func finish(_ id: TransactionID) -> Transaction {
    guard let transaction = inFlight, transaction.id == id else {
      preconditionFailure("a transaction ended that is not in flight")
    }
    inFlight = nil
    return transaction
  }

  /// Keeps the items of a transaction that failed for another attempt.
  mutating func retry(_ items: [JudgedItem], attempts: Int, at time: Instant) {
    failed = (items, attempts, time)
  }

  /// Removes waiting records that do not satisfy `isWanted` and returns them; what is in flight
  /// stays.
  mutating func discard(unless isWanted: (JudgedItem) -> Bool) -> [JudgedItem] {
    var discarded = ready.removeAll(unless: isWanted)
    if let (items, attempts, retryAt) = failed {
      discarded += items.filter { !isWanted($0) }
      failed = (items.filter(isWanted), attempts, retryAt)
    }
    return discarded
  }

  private mutating func start(_ items: [JudgedItem], attempt: Int) -> Transaction {
    let transaction = Transaction(
      id: TransactionID(number: nextNumber), items: items, attempt: attempt)
    nextNumber += 1
    inFlight = transaction
    return transaction
  }

  /// How many records at the front make one transaction: of one model, within the limits.
  private func fill() -> Int {
    var count = 0
    var bytes = 0
    let model = ready.first?.model
    for item in ready {
      bytes += item.item.record.byteCount
      let isFull = bytes > limits.transactionBytesMax || count == limits.transactionRecordsMax
      if count > 0, isFull || item.model != model { break }
      count += 1
    }
    return count
  }
}
