internal import Basics
internal import Hosting
internal import Pipeline
internal import Records
internal import Telemetry
internal import Threading

/// What the threads of a stream share, behind one lock.
struct StreamState {
  var machine: StreamMachine
  var isStopping = false
  var isOver = false
  var wasAssigned = false
  var closedLate = false
  var lastPoll: Instant
  var lastSinkFailure: SinkFailure?
  private var firstRead: Instant?
  private var chunks: [Chunk] = []
  private var outerFailure: StreamFailure?
  private var latency = LatencyHistogram()
  private var verdictLatency = LatencyHistogram()
  private var judging = LatencyHistogram()
  private var scores = ScoreHistogram()

  init(limits: StreamLimits) {
    let now = Instant.now
    machine = StreamMachine(limits: limits, now: now)
    lastPoll = now
  }

  /// Why the stream cannot go on; nil while it can.
  var failure: StreamFailure? { outerFailure ?? machine.failure }

  mutating func fail(_ failure: StreamFailure) {
    if outerFailure == nil { outerFailure = failure }
  }

  mutating func receive(_ records: [InputRecord], now: Instant) {
    if firstRead == nil { firstRead = now }
    if let chunk = machine.receive(records, now: now) { chunks.append(chunk) }
  }

  /// The oldest chunk that no thread has taken yet; nil when the stream is over.
  mutating func nextChunk() -> Monitor<StreamState>.Turn<Chunk?> {
    if isOver || failure != nil { return .done(nil) }
    return chunks.isEmpty ? .sleep(atMost: nil) : .done(chunks.removeFirst())
  }

  /// A batch has its verdicts.
  mutating func decided(_ batch: Batch, now: Instant) {
    for item in batch.items {
      verdictLatency.record(microseconds: now.nanoseconds(since: item.item.arrival) / 1000)
    }
  }

  mutating func count(_ judgements: [Judgement], nanoseconds: Int64) {
    guard !judgements.isEmpty else { return }
    judging.record(microseconds: nanoseconds / 1000)
    for judgement in judgements { scores.record(judgement.score) }
  }

  mutating func committed(_ transaction: Transaction, now: Instant) {
    machine.committed(transaction.id, now: now)
    for item in transaction.items {
      latency.record(microseconds: now.nanoseconds(since: item.arrival) / 1000)
    }
  }

  func snapshot() -> StreamSnapshot {
    StreamSnapshot(
      counters: machine.counters, bufferedRecords: machine.bufferedRecords,
      bufferedBytes: machine.bufferedBytes, assigned: machine.ledger.assigned.sorted(),
      committed: machine.ledger.committed, latency: latency, verdictLatency: verdictLatency,
      judging: judging,
      scores: scores,
      wasAssigned: wasAssigned, failure: failure, firstRead: firstRead,
      lastProgress: machine.lastProgress,
      lastPoll: lastPoll, lastSinkFailure: lastSinkFailure)
  }
}
