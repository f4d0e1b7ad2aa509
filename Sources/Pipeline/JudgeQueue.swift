internal import Basics

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
  package var exchanges: [ExchangeSequences] {
    items.compactMap { item in
      if case .judge(let exchange) = item.preparation { exchange.sequences } else { nil }
    }
  }
}

/// Batches for the classifier, a few of them at once, and the isolation of a record that makes it
/// fail.
///
/// Whatever was started leaves in the order in which it was started: a batch that is finished early
/// waits here. A failed batch is cut in halves that take its place, until the culprit is alone;
/// alone it is tried `poisonAttemptsMax` times.
struct JudgeQueue: Sendable {
  private struct Retry {
    let items: [PreparedItem]
    let failures: Int
  }

  private enum Entry {
    case waiting(Retry)
    case running(Batch)
    case finished([JudgedItem])
  }

  private let batchesMax: Int
  private(set) var batcher: MicroBatcher
  /// In the order in which they leave; none at the front is finished.
  private var entries: [Entry] = []
  private var nextNumber = 0

  init(limits: BatchLimits) {
    batchesMax = limits.batchesInFlightMax
    batcher = MicroBatcher(limits: limits)
  }

  var isEmpty: Bool { batcher.isEmpty && entries.isEmpty }

  mutating func append(_ items: [PreparedItem], now: Instant) {
    batcher.append(items, now: now)
  }

  /// Starts the next batch if one is due and not too many are in flight.
  ///
  /// - Parameters:
  ///   - isDraining: no more records will come before the next batch is out.
  ///   - isQuiet: no records are being made ready.
  mutating func next(now: Instant, isDraining: Bool, isQuiet: Bool) -> Decision<Batch> {
    let running = entries.count { if case .running = $0 { true } else { false } }
    guard running < batchesMax else { return .wait(until: nil) }
    for (place, entry) in entries.enumerated() {
      guard case .waiting(let retry) = entry else { continue }
      let batch = makeBatch(retry.items, .retry, failures: retry.failures)
      entries[place] = .running(batch)
      return .perform(batch)
    }
    // What is finished waits for what is not: only so much may pile up behind a failing batch.
    guard entries.count < 2 * batchesMax else { return .wait(until: nil) }
    let hurry: ReleaseReason? =
      isDraining ? .drain : isQuiet && entries.isEmpty ? .idle : nil
    switch batcher.next(now: now, hurry: hurry) {
    case .wait(let until): return .wait(until: until)
    case .release(let items, let reason):
      let batch = makeBatch(items, reason, failures: 0)
      entries.append(.running(batch))
      return .perform(batch)
    }
  }

  /// The batch of a number, which is in flight.
  func running(_ id: BatchID) -> Batch {
    for case .running(let batch) in entries where batch.id == id { return batch }
    preconditionFailure("a batch ended that is not in flight")
  }

  /// Ends a batch in flight, and returns what may go on now, in order.
  mutating func finish(_ id: BatchID, _ judged: [JudgedItem]) -> [JudgedItem] {
    entries[place(of: id)] = .finished(judged)
    var released: [JudgedItem] = []
    while case .finished(let items)? = entries.first {
      released += items
      entries.removeFirst()
    }
    return released
  }

  /// Queues a failed batch again, in halves.
  ///
  /// - Returns: the record that is poison, when the batch was one record whose attempts are used
  ///   up: it is still in flight, and `finish` ends it.
  mutating func fail(_ id: BatchID, attemptsMax: Int) -> PreparedItem? {
    let place = place(of: id)
    guard case .running(let batch) = entries[place] else { return nil }
    let items = batch.items
    if items.count > 1 {
      let middle = items.count / 2
      let halves = [items[..<middle], items[middle...]]
      entries.replaceSubrange(
        place...place, with: halves.map { .waiting(Retry(items: Array($0), failures: 0)) })
      return nil
    }
    if batch.failures + 1 >= attemptsMax { return items.first }
    entries[place] = .waiting(Retry(items: items, failures: batch.failures + 1))
    return nil
  }

  /// Removes waiting records that do not satisfy `isWanted` and returns them.
  ///
  /// Parts of a failed batch stay while later records are in flight or finished: those will be
  /// published, and a partition's offset would be committed past what was removed.
  mutating func discard(unless isWanted: (PreparedItem) -> Bool) -> [PreparedItem] {
    var suffix: [Retry] = []
    while case .waiting(let retry)? = entries.last {
      entries.removeLast()
      suffix.insert(retry, at: 0)
    }
    let discarded = suffix.flatMap { $0.items.filter { !isWanted($0) } }
    for retry in suffix {
      let items = retry.items.filter(isWanted)
      if !items.isEmpty { entries.append(.waiting(Retry(items: items, failures: retry.failures))) }
    }
    return discarded + batcher.discard(unless: isWanted)
  }

  private func place(of id: BatchID) -> Int {
    let place = entries.firstIndex {
      if case .running(let batch) = $0 { batch.id == id } else { false }
    }
    guard let place else { preconditionFailure("a batch ended that is not in flight") }
    return place
  }

  private mutating func makeBatch(
    _ items: [PreparedItem], _ reason: ReleaseReason, failures: Int
  ) -> Batch {
    defer { nextNumber += 1 }
    return Batch(
      id: BatchID(number: nextNumber), items: items, classifier: items[0].classifier,
      reason: reason, failures: failures)
  }
}
