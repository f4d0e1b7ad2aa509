/// Names a batch that is with the classifier.
package struct BatchID: Hashable, Sendable {
  let number: Int
}

/// A batch for the classifier. Records that need no judging ride along, so that order is kept.
package struct Batch: Sendable {
  package let id: BatchID
  /// At least one, all prepared for `classifier`.
  package let items: [PreparedItem]
  /// The model that judges them.
  package let classifier: any Classifier
  package let reason: ReleaseReason
  /// How often its only record failed alone before; 0 for a batch of several.
  package let failures: Int

  /// The exchanges to judge, in order.
  package var exchanges: [PreparedExchange] {
    items.compactMap { if case .judge(let exchange) = $0.preparation { exchange } else { nil } }
  }
}

/// One batch at a time for the classifier, and the isolation of a record that makes it fail.
///
/// A failed batch is cut in halves that are judged in order before anything newer, until the
/// culprit is alone; alone it is tried `poisonAttemptsMax` times.
struct JudgeQueue: Sendable {
  private struct Retry {
    let items: [PreparedItem]
    let failures: Int
  }

  private(set) var batcher: MicroBatcher
  private var retries = Queue<Retry>()
  private(set) var inFlight: Batch?
  private var nextNumber = 0

  init(limits: BatchLimits) {
    batcher = MicroBatcher(limits: limits)
  }

  var isEmpty: Bool { batcher.isEmpty && retries.isEmpty && inFlight == nil }

  mutating func append(_ items: [PreparedItem], now: StreamInstant) {
    batcher.append(items, now: now)
  }

  /// Starts the next batch if none is in flight and one is due.
  mutating func next(now: StreamInstant, isDraining: Bool) -> Decision<Batch> {
    guard inFlight == nil else { return .wait(until: nil) }
    if let retry = retries.popFirst() {
      return .perform(start(retry.items, .retry, failures: retry.failures))
    }
    switch batcher.next(now: now, isDraining: isDraining) {
    case .wait(let until): return .wait(until: until)
    case .release(let items, let reason): return .perform(start(items, reason, failures: 0))
    }
  }

  /// Ends the batch in flight and returns it.
  mutating func finish(_ id: BatchID) -> Batch {
    guard let batch = inFlight, batch.id == id else {
      preconditionFailure("a batch ended that is not in flight")
    }
    inFlight = nil
    return batch
  }

  /// Queues a failed batch again, in halves.
  ///
  /// - Returns: the record that is poison, when the batch was one record whose attempts are used up.
  mutating func fail(_ id: BatchID, attemptsMax: Int) -> PreparedItem? {
    let batch = finish(id)
    let items = batch.items
    if items.count > 1 {
      let middle = items.count / 2
      let halves = [items[..<middle], items[middle...]]
      retries.prepend(contentsOf: halves.map { Retry(items: Array($0), failures: 0) })
      return nil
    }
    guard let only = items.first else { return nil }
    if batch.failures + 1 >= attemptsMax { return only }
    retries.prepend(contentsOf: [Retry(items: items, failures: batch.failures + 1)])
    return nil
  }

  /// Removes waiting records that do not satisfy `isWanted` and returns them.
  mutating func discard(unless isWanted: (PreparedItem) -> Bool) -> [PreparedItem] {
    var discarded: [PreparedItem] = []
    var kept: [Retry] = []
    for retry in retries {
      discarded += retry.items.filter { !isWanted($0) }
      let items = retry.items.filter(isWanted)
      if !items.isEmpty { kept.append(Retry(items: items, failures: retry.failures)) }
    }
    retries = Queue()
    retries.append(contentsOf: kept)
    return discarded + batcher.discard(unless: isWanted)
  }

  private mutating func start(
    _ items: [PreparedItem], _ reason: ReleaseReason, failures: Int
  ) -> Batch {
    let batch = Batch(
      id: BatchID(number: nextNumber), items: items, classifier: items[0].classifier,
      reason: reason, failures: failures)
    nextNumber += 1
    inFlight = batch
    return batch
  }
}

/// What a worker should do now.
package enum Decision<Work: Sendable>: Sendable {
  case perform(Work)
  /// Ask again at that time, or after the machine has changed; nil: only after a change.
  case wait(until: StreamInstant?)
}
