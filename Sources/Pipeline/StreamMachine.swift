package import Basics
internal import DequeModule
package import Records
package import Transport

/// The whole stream as a pure machine: records go in, batches and transactions come out.
///
/// Data moves one way: `receive` → (decode, tokenize) → `prepared` → `nextBatch` → (judge) →
/// `judged` → `nextTransaction` → (publish) → `committed`. The work in parentheses is done by
/// whoever drives the machine, on as many threads as it likes; the machine keeps order within each
/// partition, the bounds, and the rule that an offset is never committed past a record that is not
/// published. It does no input or output and reads no clock.
package struct StreamMachine: Sendable {
  package let limits: StreamLimits
  private var policies: PolicyBook
  package private(set) var ledger = OffsetLedger()
  package private(set) var counters = StreamCounters()
  /// Why the stream cannot go on; nil while it can.
  package private(set) var failure: StreamFailure?
  /// When offsets were last committed, or the stream last had nothing to do.
  package private(set) var lastProgress: Instant
  package private(set) var bufferedRecords = 0
  package private(set) var bufferedBytes = 0
  private var sequencer = ChunkSequencer()
  /// Read, and waiting to be prepared.
  private var chunks = Deque<Chunk>()
  private var judging: JudgeQueue
  private var publishing: TransactionQueue
  /// What reading was last told; nil when a rebalance may have undone it.
  private var flow: FlowChange? = .resume
  private var fullSince: Instant?

  package init(limits: StreamLimits, policies: PolicyBook = PolicyBook(), now: Instant) {
    self.limits = limits
    self.policies = policies
    lastProgress = now
    judging = JudgeQueue(limits: limits.batch)
    publishing = TransactionQueue(limits: limits)
  }

  /// Whether nothing is on its way.
  package var isIdle: Bool { bufferedRecords == 0 }

  // MARK: Assignment

  /// The consumer was given these partitions.
  package mutating func assign(_ partitions: [TopicPartition]) {
    ledger.assign(partitions)
    flow = nil
  }

  /// The consumer must give these partitions back: what is not judged is dropped for the next owner
  /// to read again, what is judged or being judged goes on to its commit. Give them back once
  /// `isDrained` says so, or after `abandon`.
  package mutating func drain(_ partitions: [TopicPartition]) {
    ledger.drain(partitions)
    flow = nil
    let ledger = ledger
    drop(judging.discard { ledger.mayJudge($0.assignment) }.map(\.item))
  }

  /// Whether nothing of these partitions is on its way any more.
  package func isDrained(_ partitions: [TopicPartition]) -> Bool {
    ledger.isDrained(Set(partitions))
  }

  /// These partitions are lost, or draining them took too long: nothing more of theirs is
  /// published, save what is in flight, whose fate the broker decides by the consumer's generation.
  package mutating func abandon(_ partitions: [TopicPartition]) {
    drain(partitions)
    ledger.abandon(Set(partitions))
    let ledger = ledger
    drop(publishing.discard { ledger.mayPublish($0.assignment) }.map(\.item))
  }

  // MARK: Intake

  /// Takes records as they were read, as a chunk to prepare.
  ///
  /// Records of partitions that are not assigned, or that were read before, are left out: they are
  /// another owner's, or a repetition after a seek inside the client.
  package mutating func receive(_ records: [InputRecord], now: Instant) {
    var items: [StreamItem] = []
    items.reserveCapacity(records.count)
    if isIdle { lastProgress = now }
    for record in records {
      guard let assignment = ledger.admit(record) else {
        counters.ignored += 1
        continue
      }
      bufferedRecords += 1
      bufferedBytes += record.byteCount
      items.append(StreamItem(record: record, assignment: assignment, arrival: now))
    }
    counters.received += items.count
    if !items.isEmpty { chunks.append(Chunk(id: sequencer.issue(), items: items)) }
  }

  /// Whether the buffer has no room: read nothing until it has.
  package var isFull: Bool {
    bufferedRecords >= limits.bufferRecordsMax || bufferedBytes >= limits.bufferBytesMax
  }

  /// Whether the source was last told to pause.
  package var isPaused: Bool { flow == .pause }

  /// Whether reading must pause or may resume; nil when nothing changes.
  ///
  /// A pause is for stalls: polling goes on while it lasts, so that the group does not miss this
  /// member. Short waits for room need none.
  package mutating func flowChange(now: Instant) -> FlowChange? {
    if !isFull { fullSince = nil } else if fullSince == nil { fullSince = now }
    let isStalled =
      fullSince.map { now >= $0.advanced(byMilliseconds: limits.pauseAfterMilliseconds) } ?? false
    let isLow =
      bufferedRecords <= limits.bufferRecordsMax / 2 && bufferedBytes <= limits.bufferBytesMax / 2
    let wanted: FlowChange = isStalled ? .pause : isLow ? .resume : flow ?? .resume
    guard wanted != flow else { return nil }
    flow = wanted
    if wanted == .pause { counters.pauses += 1 }
    return wanted
  }

  // MARK: Preparing and judging

  /// The oldest chunk that nobody has taken yet.
  package mutating func nextChunk() -> Decision<Chunk> {
    chunks.popFirst().map { .perform($0) } ?? .wait(until: nil)
  }

  /// A chunk was decoded and tokenized, its items in their order.
  package mutating func prepared(_ id: ChunkID, _ items: [PreparedItem], now: Instant) {
    var wanted: [PreparedItem] = []
    var unwanted: [StreamItem] = []
    for item in sequencer.accept(id, items) {
      if ledger.mayJudge(item.assignment) {
        wanted.append(item)
      } else {
        unwanted.append(item.item)
      }
    }
    drop(unwanted)
    judging.append(wanted, now: now)
  }

  /// The next batch for the classifier, no more than `batchesInFlightMax` at a time.
  package mutating func nextBatch(now: Instant) -> Decision<Batch> {
    judging.next(
      now: now, isDraining: isFull, isQuiet: sequencer.outstanding == 0)
  }

  /// A batch in flight was judged by its classifier.
  ///
  /// - Parameter judgements: one for each of the batch's exchanges, in order.
  package mutating func judged(
    _ id: BatchID, _ judgements: [Judgement], atMilliseconds time: Int64
  ) {
    let batch = judging.running(id)
    precondition(judgements.count == batch.exchanges.count, "one judgement for each exchange")
    var remaining = judgements[...]
    var judged: [JudgedItem] = []
    judged.reserveCapacity(batch.items.count)
    for item in batch.items {
      let policy = policies.policy(for: item.tenant)
      let outcome: Outcome
      switch item.preparation {
      case .judge(let exchange):
        let judgement = remaining.removeFirst()
        let decision = policy.decide(judgement, on: exchange.subject, atMilliseconds: time)
        outcome = .judged(JudgedExchange(exchange, judgement, decision))
      case .forwardTombstone: outcome = .forwardTombstone
      case .skip: outcome = .skipped
      case .deadLetter(let reason, let detail):
        let source = item.item.record.source
        outcome = .deadLetter(DeadLetter(reason: reason, detail: detail, source: source))
      }
      judged.append(
        JudgedItem(item, policy: policy, outcome: outcome, judgedAtMilliseconds: time))
    }
    counters.count(batch)
    publish(judging.finish(id, judged))
  }

  /// The classifier failed on a batch in flight.
  package mutating func judgingFailed(
    _ id: BatchID, _ cause: ClassifierFailure, atMilliseconds time: Int64
  ) {
    counters.judgingFailures += 1
    if cause.isFatal {
      failure = .classifier(cause.detail)
      return
    }
    guard let poison = judging.fail(id, attemptsMax: limits.poisonAttemptsMax) else { return }
    if limits.haltsOnPoison {
      failure = .poison(poison.item.record.source, cause.detail)
      return
    }
    let letter = DeadLetter(
      reason: .poison, detail: cause.detail, source: poison.item.record.source,
      model: poison.classifier.model,
      attempts: limits.poisonAttemptsMax)
    let judged = JudgedItem(
      poison, policy: policies.policy(for: poison.tenant), outcome: .deadLetter(letter),
      judgedAtMilliseconds: time)
    publish(judging.finish(id, [judged]))
  }

  /// Decides by other policies whatever is judged from now on.
  package mutating func replacePolicies(with policies: PolicyBook) { self.policies = policies }

  // MARK: Publishing

  /// Whether `nextTransaction` would return one, and if not, when to ask again.
  package func transactionIsDue(now: Instant) -> Decision<Void> {
    publishing.isDue(now: now)
  }

  /// The next transaction to publish, one at a time.
  package mutating func nextTransaction(now: Instant) -> Decision<Transaction> {
    publishing.next(now: now)
  }

  /// The transaction in flight is committed.
  package mutating func committed(_ id: TransactionID, now: Instant) {
    let transaction = publishing.finish(id)
    for item in transaction.items {
      ledger.commit(item.assignment, item.item.record.source)
      release(item.item)
    }
    counters.count(committed: transaction)
    lastProgress = now
  }

  /// The transaction in flight was not committed.
  ///
  /// - Parameter item: for a rejected output, the index of the item in the transaction it came
  ///   from.
  package mutating func publishingFailed<Cause>(
    _ id: TransactionID, _ failure: PublishFailure<Cause>, item: Int?, now: Instant
  ) {
    let transaction = publishing.finish(id)
    counters.aborts[failure.cause.name, default: 0] += 1
    let ledger = ledger
    var items = transaction.items
    var attempts = transaction.attempt
    var retryAt = now
    switch failure {
    case .fatal(let cause):
      self.failure = .sink(cause)
      return
    case .aborted(let cause):
      if transaction.attempt >= limits.transactionAttemptsMax {
        self.failure = .sink(cause)
        return
      }
      let backoff = limits.retryBackoffMilliseconds << min(transaction.attempt - 1, 6)
      retryAt = now.advanced(byMilliseconds: backoff)
    case .rejected(_, let cause):
      guard let item, items.indices.contains(item),
        let smaller = items[item].shrunk(detail: cause.description)
      else {
        self.failure = .sink(cause)
        return
      }
      items[item] = smaller
      attempts -= 1  // Mending a record is bounded by itself and says nothing about the broker.
    }
    drop(items.filter { !ledger.mayPublish($0.assignment) }.map(\.item))
    items.removeAll { !ledger.mayPublish($0.assignment) }
    publishing.retry(items, attempts: attempts, at: retryAt)
  }

  // MARK: Helpers

  /// Queues decided records, leaving out those whose partition was given up meanwhile.
  private mutating func publish(_ items: [JudgedItem]) {
    let ledger = ledger
    drop(items.filter { !ledger.mayPublish($0.assignment) }.map(\.item))
    publishing.append(items.filter { ledger.mayPublish($0.assignment) })
  }

  private mutating func drop(_ items: [StreamItem]) {
    counters.dropped += items.count
    for item in items {
      ledger.drop(item.assignment)
      release(item)
    }
  }

  private mutating func release(_ item: StreamItem) {
    bufferedRecords -= 1
    bufferedBytes -= item.record.byteCount
  }
}

/// What reading should do.
package enum FlowChange: Hashable, Sendable {
  case pause
  case resume
}

extension JudgedItem {
  /// The same record with less to publish, after the broker refused it: first a dead letter in
  /// place of the verdict, then one without the payload. nil when nothing is left.
  func shrunk(detail: String) -> JudgedItem? {
    if case .deadLetter = outcome {
      return omitsPayload ? nil : JudgedItem(self, outcome: outcome, omitsPayload: true)
    }
    let letter = DeadLetter(
      reason: .tooLarge, detail: detail, source: item.record.source, model: model, attempts: 1)
    return JudgedItem(self, outcome: .deadLetter(letter), omitsPayload: false)
  }
}
