internal import Basics
package import Hosting
package import Pipeline
package import Records
package import Transport

/// Runs a stream on a host: one thread reads, some decode and tokenize, some judge, one publishes,
/// so that all of it overlaps.
///
/// Each step is a function that takes work from the machine or gives it back; threads and
/// simulations call the same.
package final class StreamRuntime<StreamSource: Source, StreamSink: Sink>: Sendable {
  package let host: MachineHost<StreamCore, StreamSource>
  private let sink: StreamSink
  private let work: StreamWork
  private let options: StreamOptions

  /// A stream that does not run yet.
  package init(
    source: StreamSource, sink: StreamSink, work: StreamWork, options: StreamOptions,
    clock: HostClock = .system
  ) {
    self.sink = sink
    self.work = work
    self.options = options
    host = MachineHost(
      StreamCore(options, now: clock.now()),
      source: source,
      options: .init(
        pollRecordsMax: options.pollRecordsMax, pollMilliseconds: options.pollMilliseconds,
        drainMilliseconds: options.drainTimeoutMilliseconds,
        closeMilliseconds: options.closeMilliseconds),
      clock: clock, readingFailure: { .source($0) })
  }

  /// Runs until `stop` or a failure, then drains, and returns why it ended: nil after `stop`.
  ///
  /// Blocks; call it on a thread of its own.
  package func run() -> StreamFailure? {
    var workers: [(name: String, body: @Sendable () -> Void)] = []
    for number in 0..<options.preparationThreads {
      workers.append(("prepare-\(number)", { self.prepare() }))
    }
    for number in 0..<options.limits.batch.batchesMax {
      workers.append(("judge-\(number)", { self.judge() }))
    }
    workers.append(("publish", { self.publish() }))
    return host.run(take: Self.take, workers: workers)
  }

  /// Asks the stream to give its partitions back in order and end.
  package func stop() { host.stop() }

  /// Where the stream stands.
  package var snapshot: StreamSnapshot {
    let progress = host.progress
    return host.look { core, _ in core.snapshot(progress) }
  }

  // MARK: Reading

  /// Records go to the machine as they are.
  private static func take(_ records: [InputRecord]) -> (inout StreamCore, Instant) -> Void {
    { $0.receive(records, now: $1) }
  }

  /// Reads once; false when reading is over.
  package func read() -> Bool { host.read(Self.take) }

  // MARK: Preparing

  private func prepare() {
    let preparer = work.makePreparer()
    while let chunk = host.next({ core, _ in core.machine.nextChunk() }) {
      prepare(chunk, with: preparer)
    }
  }

  /// Decodes and tokenizes a chunk.
  package func prepare(_ chunk: Chunk, with prepare: StreamWork.Preparer) {
    let items = prepare(chunk.items)
    host.update { $0.machine.prepared(chunk.id, items, now: $1) }
  }

  // MARK: Judging

  private func judge() {
    while let batch = host.next({ $0.machine.nextBatch(now: $1) }) { judge(batch) }
  }

  /// Lets the batch's model judge it.
  package func judge(_ batch: Batch) {
    let start = host.clock.now()
    do throws(ClassifierFailure) {
      let judgements = try batch.judge()
      let time = host.clock.wallMilliseconds()
      work.tracing?.judged(batch, since: start, now: host.clock.now())
      host.update {
        $0.judged(batch, judgements, since: start, now: $1, wallMilliseconds: time)
      }
    } catch {
      let time = host.clock.wallMilliseconds()
      work.tracing?.judged(batch, since: start, now: host.clock.now(), failure: error)
      host.update { core, _ in core.machine.judgingFailed(batch.id, error, atMilliseconds: time) }
    }
  }

  // MARK: Publishing

  /// A transaction, and the membership that was taken before it was formed.
  package struct Publication: Sendable {
    package let transaction: Transaction
    let membership: StreamSink.Membership
  }

  private func publish() {
    let encode = work.makeEncoder()
    while host.next({ $0.machine.transactionIsDue(now: $1) }) != nil {
      if let publication = formTransaction() { publish(publication, with: encode) }
    }
  }

  /// Takes what is due to be published; nil when nothing is.
  package func formTransaction() -> Publication? {
    do throws(StreamSink.Cause) {
      let membership = try sink.membership()
      let decision = host.look { $0.machine.nextTransaction(now: $1) }
      guard case .perform(let transaction) = decision else { return nil }
      return Publication(transaction: transaction, membership: membership)
    } catch {
      host.update { core, _ in core.fail(.sink(error)) }
      return nil
    }
  }

  /// Encodes a transaction and publishes it with its offsets.
  package func publish(
    _ publication: Publication, with encode: (JudgedItem, inout [OutputRecord]) -> Void
  ) {
    let transaction = publication.transaction
    var records: [OutputRecord] = []
    records.reserveCapacity(transaction.items.count)
    var origins: [Int] = []
    origins.reserveCapacity(transaction.items.count)
    for (index, item) in transaction.items.enumerated() {
      encode(item, &records)
      while origins.count < records.count { origins.append(index) }
    }
    let trace = work.tracing?.start(transaction, now: host.clock.now())
    trace?.mark(&records, origins: origins)
    do throws(PublishFailure<StreamSink.Cause>) {
      try sink.publish(records, offsets: transaction.offsets, as: publication.membership)
      host.update { $0.committed(transaction, now: $1) }
      trace?.end(now: host.clock.now())
      work.observe(transaction)
    } catch {
      var item: Int?
      if case .rejected(let index, _) = error { item = origins[index] }
      trace?.end(now: host.clock.now(), cause: error.cause)
      work.noteAbort(error.cause)
      host.update { $0.machine.publishingFailed(transaction.id, error, item: item, now: $1) }
    }
  }
}
