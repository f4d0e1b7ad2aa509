package import Basics
package import Hosting
package import Pipeline
package import Records
internal import Telemetry

/// What the threads of a stream share: the machine, and what is measured around it.
package struct StreamCore: HostedMachine {
  package var machine: StreamMachine
  private var firstRead: Instant?
  private var outerFailure: StreamFailure?
  private var latency = LatencyHistogram()
  private var verdictLatency = LatencyHistogram()
  private var judging = LatencyHistogram()
  private var batchSizes = BatchSizes()
  private var verdicts: VerdictTally
  private var recentLetters = RecentLetters()

  init(_ options: StreamOptions, now: Instant) {
    machine = StreamMachine(limits: options.limits, policies: options.policies, now: now)
    verdicts = VerdictTally(tenantsMax: options.tenantsMax)
  }

  package var failure: StreamFailure? { outerFailure ?? machine.failure }

  package mutating func fail(_ failure: StreamFailure) {
    if outerFailure == nil { outerFailure = failure }
  }

  // MARK: Hosting

  package mutating func assign(_ partitions: [TopicPartition]) { machine.assign(partitions) }
  package mutating func drain(_ partitions: [TopicPartition]) { machine.drain(partitions) }
  package func isDrained(_ partitions: [TopicPartition]) -> Bool { machine.isDrained(partitions) }
  package mutating func giveUp(_ partitions: [TopicPartition]) { machine.abandon(partitions) }

  package mutating func intake(now: Instant) -> Intake {
    switch machine.flowChange(now: now) {
    case .pause: .hold { _ in true }
    case .resume: .hold { _ in false }
    case nil: machine.isFull && !machine.isPaused ? .wait : .unchanged
    }
  }

  package var waitingSince: Instant? {
    machine.bufferedRecords > 0 ? machine.lastProgress : nil
  }

  // MARK: Counting

  mutating func receive(_ records: [InputRecord], now: Instant) {
    if firstRead == nil { firstRead = now }
    machine.receive(records, now: now)
  }

  mutating func judged(
    _ batch: Batch, _ judgements: [Judgement], since start: Instant, now: Instant,
    wallMilliseconds: Int64
  ) {
    machine.judged(batch.id, judgements, atMilliseconds: wallMilliseconds)
    for item in batch.items {
      verdictLatency.record(microseconds: now.nanoseconds(since: item.item.arrival) / 1000)
    }
    guard !judgements.isEmpty else { return }
    judging.record(microseconds: now.nanoseconds(since: start) / 1000)
    batchSizes.record(batch)
  }

  mutating func committed(_ transaction: Transaction, now: Instant) {
    machine.committed(transaction.id, now: now)
    for item in transaction.items {
      latency.record(microseconds: now.nanoseconds(since: item.arrival) / 1000)
      verdicts.count(item)
      recentLetters.note(item)
    }
  }

  func snapshot(_ progress: HostProgress) -> StreamSnapshot {
    StreamSnapshot(
      counters: machine.counters, bufferedRecords: machine.bufferedRecords,
      bufferedBytes: machine.bufferedBytes, assigned: machine.ledger.assigned.sorted(),
      assignments: machine.ledger.assignments,
      committed: machine.ledger.committed, oldest: machine.ledger.oldest, latency: latency,
      verdictLatency: verdictLatency,
      judging: judging, batchSizes: batchSizes, verdicts: verdicts,
      recentLetters: recentLetters, firstRead: firstRead,
      lastProgress: machine.lastProgress,
      failure: failure,
      progress: progress)
  }
}
