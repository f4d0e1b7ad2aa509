internal import Basics
internal import DequeModule
internal import Records

/// Batches for the classifier, a few of them at once, and the isolation of a record that makes it
/// fail.
///
/// What is long is of a class of its own, with a batch in flight beside those of the others, so
/// that short exchanges do not wait for it; nor does a partition for another. Within a partition
/// records leave in their order (`ReleaseOrder`), so whatever follows a long one there stays behind
/// it, in its class.
///
/// A failed batch is cut in halves that come first, until the culprit is alone; alone it is tried
/// `poisonAttemptsMax` times.
struct JudgeQueue: Sendable {
  private var short: BatchClass
  private var long: BatchClass
  private let longTokens: Int?
  /// Records of the long class on their way, by assignment.
  private var behindLong: [AssignmentID: Int] = [:]
  private var running: [Batch] = []
  private var order = ReleaseOrder()
  private var nextNumber = 0

  init(limits: BatchLimits) {
    short = BatchClass(limits, batchesMax: limits.batchesInFlightMax)
    long = BatchClass(limits, batchesMax: 1)
    longTokens = limits.longTokens
  }

  var isEmpty: Bool { order.isEmpty }

  mutating func append(_ items: [PreparedItem], now: Instant) {
    order.append(items)
    guard let longTokens else { return short.batcher.append(items, now: now) }
    var (shortItems, longItems): ([PreparedItem], [PreparedItem]) = ([], [])
    shortItems.reserveCapacity(items.count)
    for item in items {
      if item.tokens > longTokens || !behindLong.isEmpty && behindLong[item.assignment] != nil {
        behindLong[item.assignment, default: 0] += 1
        longItems.append(item)
      } else {
        shortItems.append(item)
      }
    }
    short.batcher.append(shortItems, now: now)
    long.batcher.append(longItems, now: now)
  }

  /// Starts the next batch if one is due and not too many are in flight.
  ///
  /// - Parameters:
  ///   - isDraining: no more records will come before the next batch is out.
  ///   - isQuiet: no records are being made ready.
  mutating func next(now: Instant, isDraining: Bool, isQuiet: Bool) -> Decision<Batch> {
    func hurry(_ batches: BatchClass) -> ReleaseReason? {
      isDraining ? .drain : isQuiet && batches.isIdle ? .idle : nil
    }
    var times: [Instant] = []
    switch short.next(now: now, hurry: hurry(short)) {
    case .perform(let work): return .perform(start(work, isLong: false))
    case .wait(let until): times += [until].compactMap(\.self)
    }
    switch long.next(now: now, hurry: hurry(long)) {
    case .perform(let work): return .perform(start(work, isLong: true))
    case .wait(let until): times += [until].compactMap(\.self)
    }
    return .wait(until: times.min())
  }

  /// The batch of a number, which is in flight.
  func running(_ id: BatchID) -> Batch { running[place(of: id)] }

  /// Ends a batch in flight, and returns what may go on now, each partition's in order.
  mutating func finish(_ id: BatchID, _ judged: [JudgedItem]) -> [JudgedItem] {
    if end(id).isLong { leaveLong(judged.map(\.item)) }
    return order.finish(judged)
  }

  /// Queues a failed batch again, in halves.
  ///
  /// - Returns: the record that is poison, when the batch was one record whose attempts are used
  ///   up: it is still in flight, and `finish` ends it.
  mutating func fail(_ id: BatchID, attemptsMax: Int) -> PreparedItem? {
    let batch = running(id)
    if batch.items.count == 1, batch.failures + 1 >= attemptsMax { return batch.items.first }
    _ = end(id)
    if batch.isLong { long.retry(batch) } else { short.retry(batch) }
    return nil
  }

  /// Removes waiting records that do not satisfy `isWanted` and returns them.
  ///
  /// Those stay that have a later record of their partition in flight or judged: it will be
  /// published, and the partition's offset would be committed past what was removed.
  mutating func discard(unless isWanted: (PreparedItem) -> Bool) -> [PreparedItem] {
    var kept = order.lastJudged
    for item in running.flatMap(\.items) {
      let offset = item.offset
      kept[item.assignment] = max(kept[item.assignment] ?? offset, offset)
    }
    func mayStay(_ item: PreparedItem) -> Bool {
      isWanted(item) || kept[item.assignment].map { item.offset < $0 } ?? false
    }
    let longItems = long.discard(unless: mayStay)
    leaveLong(longItems.map(\.item))
    let discarded = short.discard(unless: mayStay) + longItems
    order.discard(discarded)
    return discarded
  }

  private func place(of id: BatchID) -> Int {
    guard let place = running.firstIndex(where: { $0.id == id }) else {
      preconditionFailure("a batch ended that is not in flight")
    }
    return place
  }

  private mutating func start(_ work: BatchClass.Work, isLong: Bool) -> Batch {
    defer { nextNumber += 1 }
    let batch = Batch(
      id: BatchID(number: nextNumber), items: work.items, classifier: work.items[0].classifier,
      reason: work.reason, failures: work.failures, isLong: isLong)
    running.append(batch)
    return batch
  }

  private mutating func end(_ id: BatchID) -> Batch {
    let batch = running.remove(at: place(of: id))
    if batch.isLong { long.running -= 1 } else { short.running -= 1 }
    return batch
  }

  private mutating func leaveLong(_ items: [StreamItem]) {
    for item in items {
      guard let count = behindLong[item.assignment] else { continue }
      behindLong[item.assignment] = count > 1 ? count - 1 : nil
    }
  }
}

/// Batches of one class: what waits, and how many are in flight.
private struct BatchClass: Sendable {
  /// What is to be judged together.
  struct Work: Sendable {
    let items: [PreparedItem]
    let reason: ReleaseReason
    let failures: Int
  }

  private let batchesMax: Int
  var batcher: MicroBatcher
  /// Parts of failed batches, the first to be judged in front.
  private var retries: [Work] = []
  var running = 0

  init(_ limits: BatchLimits, batchesMax: Int) {
    self.batchesMax = batchesMax
    batcher = MicroBatcher(limits: limits)
  }

  var isIdle: Bool { running == 0 && retries.isEmpty }

  /// What to judge next, which then counts as in flight.
  mutating func next(now: Instant, hurry: ReleaseReason?) -> Decision<Work> {
    guard running < batchesMax else { return .wait(until: nil) }
    if !retries.isEmpty {
      running += 1
      return .perform(retries.removeFirst())
    }
    switch batcher.next(now: now, hurry: hurry) {
    case .wait(let until): return .wait(until: until)
    case .release(let items, let reason):
      running += 1
      return .perform(Work(items: items, reason: reason, failures: 0))
    }
  }

  /// Queues a failed batch again: in halves, or a record that is alone once more.
  mutating func retry(_ batch: Batch) {
    let items = batch.items
    if items.count == 1 {
      retries.insert(Work(items: items, reason: .retry, failures: batch.failures + 1), at: 0)
      return
    }
    let middle = items.count / 2
    retries.insert(
      contentsOf: [items[..<middle], items[middle...]].map {
        Work(items: Array($0), reason: .retry, failures: 0)
      }, at: 0)
  }

  mutating func discard(unless mayStay: (PreparedItem) -> Bool) -> [PreparedItem] {
    let discarded = retries.flatMap { $0.items.filter { !mayStay($0) } }
    if !discarded.isEmpty {
      retries = retries.compactMap { work in
        let items = work.items.filter(mayStay)
        return items.isEmpty
          ? nil : Work(items: items, reason: work.reason, failures: work.failures)
      }
    }
    return discarded + batcher.discard(unless: mayStay)
  }
}
