import Basics
import FilterService
import Hosting
import Kafka
import Pipeline
import Records
import Synchronization
import Testing
import Transport

/// One daemon in the simulation: the real stream on its host, of whose threads one at a time takes
/// a random step.
final class SimulatedMember: Sendable {
  /// What the daemon's threads hold between two steps.
  private struct Hands {
    var chunks: [Chunk] = []
    var batches: [Batch] = []
    var publication: StreamRuntime<SimulatedSource, SimulatedSink>.Publication?
  }

  let source: SimulatedSource
  private let cluster: SimulatedCluster
  private let world: SimulatedWorld
  private let runtime: StreamRuntime<SimulatedSource, SimulatedSink>
  private let model: Mutex<Int32>
  private let limits: StreamLimits
  private let hands = Mutex(Hands())

  /// All but the bound for long exchanges.
  private static let limits = StreamLimits(
    batch: BatchLimits(
      tokensMax: 40, recordsMax: 6, bytesMax: 200, lingerMilliseconds: 3, ageMaxMilliseconds: 20,
      batchesInFlightMax: 3),
    bufferRecordsMax: 40, bufferBytesMax: 1500, pauseAfterMilliseconds: 5, transactionRecordsMax: 9,
    transactionBytesMax: 400, transactionAttemptsMax: 1000, retryBackoffMilliseconds: 1,
    poisonAttemptsMax: 2)
  static let pollMax = 8
  private static let drainMilliseconds = 10_000

  /// A daemon that has fenced its predecessor of that number and not joined yet.
  init(
    number: Int, cluster: SimulatedCluster, world: SimulatedWorld, setup: SimulationSetup
  ) {
    var limits = Self.limits
    limits.batch.longTokens = setup.longTokens
    self.limits = limits
    self.cluster = cluster
    self.world = world
    let source = SimulatedSource(cluster: cluster, world: world)
    let sink = SimulatedSink(
      publisher: SimulatedPublisher(setup.order, cluster: cluster, number: number), source: source)
    let idle = Mutex<(@Sendable () -> Void)?>(nil)
    let clock = HostClock(
      now: { world.now }, wallMilliseconds: { world.now.nanoseconds / 1_000_000 },
      passTime: { _ in idle.withLock { $0 }?() })
    runtime = StreamRuntime(
      source: source, sink: sink,
      work: StreamWork(
        makePreparer: { { _ in [] } },
        makeEncoder: { { item, records in records.append(SimulatedPayload.record(for: item)) } }),
      options: StreamOptions(
        limits: limits, pollRecordsMax: Self.pollMax,
        drainTimeoutMilliseconds: Self.drainMilliseconds),
      clock: clock)
    self.source = source
    model = Mutex(1)
    idle.withLock { $0 = { [weak self] in self?.pass() } }
  }

  /// The process has ended, by a kill or by itself: another takes its place.
  var isGone: Bool { runtime.host.failure != nil }

  func swapModel(_ number: Int32) { model.withLock { $0 = number } }

  /// Polls until the daemon has heard what the group told it.
  func hear(_ news: SimulatedSource.News) {
    source.tell(news)
    while source.hasNews, runtime.read() {}
  }

  /// What happens while the reading thread waits: the others go on, until the group loses patience.
  private func pass() {
    guard source.takePatience() else {
      return world.advance(byMilliseconds: Self.drainMilliseconds)
    }
    world.advance(byMilliseconds: 1)
    step(reads: false)
  }

  /// Does one thing that one of the daemon's threads could do now.
  func step(reads: Bool = true) {
    switch world.number(in: 0...4) {
    case 0 where reads: read()
    case 1: prepareOneChunk()
    case 2: startBatch()
    case 3: finishBatch()
    default: publish()
    }
  }

  private func read() {
    _ = runtime.read()
    let buffered = runtime.host.look { core, _ in core.machine.bufferedRecords }
    #expect(buffered <= limits.bufferRecordsMax + Self.pollMax)
  }

  private func prepareOneChunk() {
    while let chunk = runtime.host.look({ core, _ in core.machine.nextChunk().work }) {
      hands.withLock { $0.chunks.append(chunk) }
    }
    // In any order: there are several threads.
    let chunk = hands.withLock { hands in
      world.index(of: hands.chunks).map { hands.chunks.remove(at: $0) }
    }
    let model = SimulatedModel(number: model.withLock { $0 }, world: world)
    if let chunk { runtime.prepare(chunk) { $0.map(model.prepare) } }
  }

  private func startBatch() {
    guard let next = runtime.host.look({ $0.machine.nextBatch(now: $1).work }) else { return }
    let inFlight = hands.withLock { hands in
      hands.batches.append(next)
      return hands.batches
    }
    #expect(inFlight.count { !$0.isLong } <= limits.batch.batchesInFlightMax)
    #expect(inFlight.count { $0.isLong } <= (limits.batch.longTokens == nil ? 0 : 1))
    #expect(next.items.count <= limits.batch.recordsMax)
    let tokens = next.exchanges.reduce(0) { $0 + $1.tokens }
    #expect(tokens <= limits.batch.tokensMax || next.exchanges.count == 1)
  }

  private func finishBatch() {
    // In any order: a later batch may be done before an earlier one.
    let batch = hands.withLock { hands in
      world.index(of: hands.batches).map { hands.batches.remove(at: $0) }
    }
    if let batch { runtime.judge(batch) }
  }

  /// Starts a transaction, or publishes the one that was started.
  private func publish() {
    if let publication = hands.withLock({ $0.publication.take() }) {
      return runtime.publish(publication) { item, records in
        records.append(SimulatedPayload.record(for: item))
      }
    }
    guard let publication = runtime.formTransaction() else { return }
    if Set(publication.transaction.items.map(\.model)).count > 1 {
      cluster.withState { $0.broker.note(violation: "two models in one transaction") }
    }
    hands.withLock { $0.publication = publication }
  }
}

/// Publishes under the generation that the member knows.
struct SimulatedSink: Sink {
  let publisher: SimulatedPublisher
  let source: SimulatedSource

  func membership() throws(KafkaError) -> Int { source.generation }

  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], as membership: Int
  ) throws(PublishFailure<KafkaError>) {
    try publisher.publish(records, offsets: offsets, generation: membership)
  }
}
