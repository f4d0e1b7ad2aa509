import Basics
import Kafka
import Pipeline
import Records
import TestSupport
import Testing

/// One daemon in the simulation: the real machine, with workers that take one random step at a time.
struct SimulatedMember {
  let number: Int
  private(set) var machine: StreamMachine
  private(set) var generation = 0
  private var positions: [TopicPartition: Offset] = [:]
  private var starts: [TopicPartition: Offset] = [:]
  private var chunks: [Chunk] = []
  private var batches: [Batch] = []
  /// The transaction in flight, with the generation known before it was formed: taken later, it
  /// could let through records of an assignment that is over.
  private var transaction: (work: Transaction, generation: Int)?
  private var isPaused = false
  private let cluster: SimulatedCluster
  private let publisher: SimulatedPublisher
  /// The process has ended, by a kill or by itself: another takes its place.
  private(set) var isGone = false
  /// The model that what is prepared now is cut for.
  private var model = SimulatedModel(number: 1)

  /// A daemon that has fenced its predecessor of that number and not joined yet.
  init(number: Int, cluster: SimulatedCluster, order: SimulatedPublisher.Order, now: Instant) {
    self.number = number
    self.cluster = cluster
    publisher = SimulatedPublisher(order, cluster: cluster, number: number)
    machine = StreamMachine(limits: Self.limits, now: now)
  }

  static let limits = StreamLimits(
    batch: BatchLimits(
      tokensMax: 40, recordsMax: 6, bytesMax: 200, lingerMilliseconds: 3, ageMaxMilliseconds: 20,
      batchesInFlightMax: 3),
    bufferRecordsMax: 40, bufferBytesMax: 1500, pauseAfterMilliseconds: 5, transactionRecordsMax: 9,
    transactionBytesMax: 400, transactionAttemptsMax: 1000, retryBackoffMilliseconds: 1,
    poisonAttemptsMax: 2)

  static let pollMax = 8

  mutating func swapModel(_ number: Int32) { model = SimulatedModel(number: number) }

  /// A rebalance, as the consumer's callbacks tell it: drain as long as the world's patience lasts,
  /// then give up what is left.
  mutating func rebalance(
    to partitions: [TopicPartition], patience: Int, now: inout Instant,
    random: inout SeededGenerator
  ) {
    let revoked = machine.ledger.assigned.subtracting(partitions).sorted()
    machine.drain(revoked)
    var steps = 0
    while !machine.isDrained(revoked), steps < patience, !isGone {
      step(now: now, random: &random, faults: true, reads: false)
      now = now.advanced(byMilliseconds: 1)
      steps += 1
    }
    if !machine.isDrained(revoked) { machine.abandon(revoked) }
    for partition in revoked { positions[partition] = nil }
  }

  /// The second half of a rebalance: the new assignment begins at the committed offsets.
  mutating func join(_ partitions: [TopicPartition]) {
    generation = cluster.withState { $0.broker.generation }
    machine.assign(partitions)
    for partition in partitions where positions[partition] == nil {
      positions[partition] = cluster.withState { $0.broker.position(of: partition) }
      starts[partition] = positions[partition]
    }
    isPaused = false
  }

  /// Does one thing that one of the daemon's threads could do now.
  mutating func step(
    now: Instant, random: inout SeededGenerator, faults: Bool, reads: Bool = true
  ) {
    switch Int.random(in: 0..<5, using: &random) {
    case 0 where reads: read(now: now, random: &random)
    case 1: prepareOneChunk(now: now, random: &random)
    case 2: startBatch(now: now)
    case 3: finishBatch(now: now, random: &random, faults: faults)
    default: publish(now: now)
    }
  }

  private mutating func read(now: Instant, random: inout SeededGenerator) {
    if let change = machine.flowChange(now: now) { isPaused = change == .pause }
    guard !isPaused, !machine.isFull else { return }
    guard let partition = positions.keys.sorted().randomElement(using: &random) else { return }
    guard var offset = positions[partition] else { return }
    // Now and then the client fetches again what it already delivered.
    if random.oneIn(20) { offset = max(starts[partition] ?? offset, Offset(offset.rawValue - 2)) }
    var records: [InputRecord] = []
    while records.count < Self.pollMax,
      let record = cluster.withState({ $0.broker.record(partition, offset) })
    {
      records.append(record)
      offset = offset.next
    }
    positions[partition] = offset
    if let chunk = machine.receive(records, now: now) { chunks.append(chunk) }
    #expect(machine.bufferedRecords <= Self.limits.bufferRecordsMax + Self.pollMax)
  }

  private mutating func prepareOneChunk(now: Instant, random: inout SeededGenerator) {
    guard let index = chunks.indices.randomElement(using: &random) else { return }
    let chunk = chunks.remove(at: index)
    let prepared = chunk.items.map { item in
      let number = Int(item.record.source.offset.rawValue)
      let preparation: Preparation =
        if item.record.value == nil {
          .forwardTombstone
        } else if number % 11 == 10 {
          .deadLetter(.malformed, detail: "byte 0")
        } else {
          .judge(
            PreparedExchange(
              id: number % 7 == 6 ? "poison" : "fine",
              promptSequences: [Array(repeating: model.number, count: 1 + number % 20)],
              responseSequences: []))
        }
      return PreparedItem(item: item, format: .json, preparation: preparation, for: model)
    }
    machine.prepared(chunk.id, prepared, now: now)
  }

  private mutating func startBatch(now: Instant) {
    guard case .perform(let next) = machine.nextBatch(now: now) else { return }
    batches.append(next)
    #expect(batches.count <= Self.limits.batch.batchesInFlightMax)
    #expect(next.items.count <= Self.limits.batch.recordsMax)
    let tokens = next.exchanges.reduce(0) { $0 + $1.tokens }
    #expect(tokens <= Self.limits.batch.tokensMax || next.exchanges.count == 1)
  }

  private mutating func finishBatch(
    now: Instant, random: inout SeededGenerator, faults: Bool
  ) {
    // In any order: a later batch may be done before an earlier one.
    guard let index = batches.indices.randomElement(using: &random) else { return }
    let batch = batches.remove(at: index)
    let time = now.nanoseconds / 1_000_000
    let failsByChance = faults && batch.items.count > 1 && random.oneIn(10)
    if failsByChance || batch.exchanges.contains(where: { $0.id == "poison" }) {
      let cause = ClassifierFailure(detail: "simulated")
      machine.judgingFailed(batch.id, cause, atMilliseconds: time)
      return
    }
    do {
      let judgements = try batch.classifier.judge(batch.exchanges)
      machine.judged(batch.id, judgements, atMilliseconds: time)
    } catch {
      Issue.record("\(error.detail)")
    }
  }

  /// Starts a transaction, or publishes the one that was started.
  private mutating func publish(now: Instant) {
    guard let (current, formedIn) = transaction else {
      if case .perform(let next) = machine.nextTransaction(now: now) {
        transaction = (next, generation)
        check(next)
      }
      return
    }
    transaction = nil
    let records = current.items.map(SimulatedPayload.record(for:))
    do throws(PublishError) {
      try publisher.publish(records, offsets: current.offsets, generation: formedIn)
      machine.committed(current.id, now: now)
    } catch {
      switch error {
      case .aborted(let cause):
        let cause = SinkFailure.aborted(detail: cause.description)
        machine.publishingFailed(current.id, cause, item: nil, now: now)
      case .rejected(let index, let cause):
        let cause = SinkFailure.rejected(index: index, detail: cause.description)
        machine.publishingFailed(current.id, cause, item: index, now: now)
      case .fatal: isGone = true
      }
    }
    if machine.failure != nil { isGone = true }
  }

  private func check(_ transaction: Transaction) {
    guard Set(transaction.items.map(\.model)).count > 1 else { return }
    cluster.withState { $0.broker.note(violation: "two models in one transaction") }
  }
}

/// A model that recognises the sequences that were cut for it.
private struct SimulatedModel: Classifier {
  let number: Int32
  var model: String { "model-\(number)" }

  func judge(_ exchanges: [PreparedExchange]) throws(ClassifierFailure) -> [Judgement] {
    let tokens = exchanges.flatMap { ($0.promptSequences + $0.responseSequences).joined() }
    guard tokens.allSatisfy({ $0 == number }) else {
      throw ClassifierFailure(detail: "a model was given another model's tokens")
    }
    return exchanges.map {
      Judgement(promptScore: Score(0.5), responseScore: nil, tokens: $0.tokens, windows: 1)
    }
  }
}
