package import Basics
package import LanguageModel
package import Records
package import Settings

/// Decides everything that the labelling service does, without clock, thread, input or output: what
/// is joined, chosen, asked, tried again, left, published and committed.
///
/// An offset is committed only when the label of every chosen exchange before it is published.
package struct LabelMachine: Sendable {
  let limits: LabelLimits
  let sampler: Sampler
  let teacher: TeacherIdentity
  package internal(set) var ledger = LabelLedger()
  package internal(set) var counters = LabelCounters()
  package internal(set) var estimator: LiveEstimator
  /// Whether no new requests are made: the service is about to stop.
  package var isDraining = false
  /// Whether offsets are committed at once: partitions are about to go.
  package var isHurried = false
  private var queueFlow = FlowHysteresis()
  private var exchangeFlow = FlowHysteresis()
  private var verdictFlow = FlowHysteresis()
  /// How long the service has not read because of a full queue, up to the last time it was asked:
  /// what waits for its other half cannot be blamed for that.
  private var heldNanoseconds: Int64 = 0
  private var lastTime: Instant
  var join: JoinBuffer<WaitingExchange, ChosenVerdict>
  var caps: TenantCaps
  /// Requests that wait, oldest first.
  var queue: [TeacherRequest] = []
  /// Until when the teacher's client sends nothing; nil when it may.
  var withheldUntil: Instant?
  var inFlight: [Int: TeacherRequest] = [:]
  var finished: [FinishedLabel] = []
  var publishing: Publication?
  var lastPublication: Instant
  var nextPublicationTime: Instant
  var nextNumber = 0

  package init(
    limits: LabelLimits, plan: SamplingPlan, teacher: TeacherIdentity, estimator: LiveEstimator,
    now: Instant
  ) {
    self.limits = limits
    self.teacher = teacher
    self.estimator = estimator
    sampler = Sampler(plan: plan)
    join = JoinBuffer(
      recordsMax: limits.joinRecordsMax, bytesMax: limits.joinBytesMax,
      timeoutMilliseconds: limits.joinTimeoutMilliseconds)
    caps = TenantCaps(limit: limits.labelsPerTenantPerHour)
    lastTime = now
    lastPublication = now
    nextPublicationTime = now
  }

  // MARK: Partitions

  /// Partitions came.
  package mutating func assign(_ partitions: [TopicPartition]) { ledger.assign(partitions) }

  /// Partitions went: what waits of them is left to their next owner.
  package mutating func remove(_ partitions: [TopicPartition]) {
    let gone = Set(partitions)
    ledger.remove(gone)
    join.forget(gone)
    let kept = ledger
    queue.removeAll { request in
      !request.samples.contains { $0.tickets.contains(where: kept.isLive) }
    }
  }

  /// Whether exchanges, and whether verdicts, should not be read now.
  package mutating func pauses() -> (exchanges: Bool, verdicts: Bool) {
    let waits = limits.whenUnavailable == .wait
    let isHeld = queueFlow.update(
      fill: waits ? Double(queue.count) / Double(limits.queueMax) : 0)
    let isFullOfExchanges = exchangeFlow.update(fill: join.exchangeFill)
    let isFullOfVerdicts = verdictFlow.update(fill: join.verdictFill)
    return (isHeld || isFullOfExchanges, isHeld || isFullOfVerdicts)
  }

  /// The time without what the service spent not reading because of a full queue.
  private mutating func readingTime(_ now: Instant) -> Instant {
    if queueFlow.isClosed { heldNanoseconds += now.nanoseconds(since: lastTime) }
    lastTime = now
    return Instant(nanoseconds: now.nanoseconds - heldNanoseconds)
  }

  // MARK: Records

  /// Records were read, in the order of their partitions.
  package mutating func receive(
    _ inputs: [LabelInput], now: Instant, wallMilliseconds: Int64
  ) {
    let readingTime = readingTime(now)
    for input in inputs {
      guard let ticket = ledger.admit(input.position) else { continue }
      switch input {
      case .exchange(let position, let exchange, let bytes):
        counters.exchanges += 1
        let waiting = WaitingExchange(ticket: ticket, position: position, exchange: exchange)
        settle(
          join.add(exchange: waiting, at: position, bytes: bytes, now: readingTime), now: now)
      case .passed(let position):
        counters.exchanges += 1
        ledger.finish(ticket)
        settle(join.pass(exchangeAt: position), now: now)
      case .verdict(let position, let verdict):
        counters.verdicts += 1
        receive(verdict, position, ticket, now: now, wallMilliseconds: wallMilliseconds)
      case .disagreement(_, let exchange, let disagreement):
        counters.disagreements += 1
        guard let selection = sampler.select(disagreement) else {
          ledger.finish(ticket)
          continue
        }
        counters.chosen[.disagreement, default: 0] += 1
        let sample = Sample(
          exchange, disagreement, selection, ticket: ticket, seenAtMilliseconds: wallMilliseconds)
        enqueue(sample, exchange, now: now)
      case .unreadable:
        counters.unreadable += 1
        ledger.finish(ticket)
      }
    }
  }

  private mutating func receive(
    _ verdict: Verdict, _ position: SourcePosition, _ ticket: LabelLedger.Ticket,
    now: Instant, wallMilliseconds: Int64
  ) {
    guard let source = verdict.source else {
      counters.unreadable += 1
      return ledger.finish(ticket)
    }
    let features = JudgedFeatures(
      score: verdict.judgement.score, threshold: verdict.threshold)
    let cell = LiveEstimator.Cell(
      isFlagged: verdict.flagged, strata: sampler.strata(of: features))
    estimator.judged(cell, atMilliseconds: wallMilliseconds)
    var chosen: ChosenVerdict?
    if let selection = sampler.select(source, features) {
      counters.chosen[selection.stratum, default: 0] += 1
      chosen = ChosenVerdict(
        ticket: ticket, verdict: verdict, selection: selection, cell: cell,
        seenAtMilliseconds: wallMilliseconds)
    } else {
      ledger.finish(ticket)
    }
    let readingTime = readingTime(now)
    settle(
      join.add(
        verdictOn: source, chosen: chosen, from: position.topicPartition, now: readingTime),
      now: now)
  }

  /// Gives up what has waited too long for its other half or for the teacher.
  package mutating func expire(now: Instant) {
    settle(join.expire(now: readingTime(now)), now: now)
    guard limits.whenUnavailable == .shed else { return }
    let limit = Int64(limits.waitMaxMilliseconds) * 1_000_000
    let late = queue.filter { now.nanoseconds(since: $0.arrival) >= limit }
    queue.removeAll { now.nanoseconds(since: $0.arrival) >= limit }
    for request in late { leave(request.samples, .waitedTooLong) }
  }

  private mutating func settle(
    _ outcomes: [JoinBuffer<WaitingExchange, ChosenVerdict>.Outcome], now: Instant
  ) {
    for outcome in outcomes {
      switch outcome {
      case .joined(let waiting, let chosen):
        enqueue(Sample(waiting, chosen), waiting.exchange, now: now)
      case .unjudged(let waiting), .exchangeExpired(let waiting):
        counters.left[.unjudged, default: 0] += 1
        ledger.finish(waiting.ticket)
      case .notChosen(let waiting): ledger.finish(waiting.ticket)
      case .orphaned(let chosen), .verdictExpired(let chosen):
        counters.left[.orphaned, default: 0] += 1
        ledger.finish(chosen.ticket)
      }
    }
  }

  /// Counts samples as left unlabelled.
  mutating func leave(_ samples: [Sample], _ reason: LabelCounters.Reason) {
    counters.left[reason, default: 0] += samples.count
    for sample in samples { finish(sample) }
  }

  mutating func finish(_ sample: Sample) {
    for ticket in sample.tickets { ledger.finish(ticket) }
  }
}

/// Closes when something is full and opens when it is half empty, so that it does not flutter.
struct FlowHysteresis: Hashable, Sendable {
  private(set) var isClosed = false

  /// Whether it is closed at that fill, from 0 to 1.
  mutating func update(fill: Double) -> Bool {
    isClosed = isClosed ? fill > 0.5 : fill >= 1
    return isClosed
  }
}
