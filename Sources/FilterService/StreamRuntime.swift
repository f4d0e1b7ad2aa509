internal import Basics
internal import Hosting
package import Pipeline
internal import Records
internal import Threading

/// Runs a `StreamMachine` on threads: one reads, some decode and tokenize, some judge, one
/// publishes, so that all of it overlaps.
///
/// The threads share the machine behind one lock and hold it only to hand over work. Everything
/// that blocks (the broker, the model) happens outside the lock, on these threads and never on
/// Swift's cooperative pool.
package final class StreamRuntime<StreamSource: Source, StreamSink: Sink>: Sendable {
  private let source: StreamSource
  private let sink: StreamSink
  private let work: StreamWork
  private let options: StreamOptions
  private let state: Monitor<StreamState>

  /// A stream that does not run yet.
  package init(
    source: StreamSource, sink: StreamSink, work: StreamWork, options: StreamOptions
  ) {
    self.source = source
    self.sink = sink
    self.work = work
    self.options = options
    state = Monitor(StreamState(limits: options.limits))
  }

  /// Runs until `stop` or a failure, then drains, and returns why it ended: nil after `stop`.
  ///
  /// Blocks; call it on a thread of its own.
  package func run() -> StreamFailure? {
    var threads: [BlockingThread] = []
    for number in 0..<options.preparationThreads {
      threads.append(BlockingThread(name: "prepare-\(number)") { self.prepare() })
    }
    for number in 0..<options.limits.batch.batchesInFlightMax {
      threads.append(BlockingThread(name: "judge-\(number)") { self.judge() })
    }
    threads.append(BlockingThread(name: "publish") { self.publish() })
    read()
    state.update { $0.isOver = true }
    for thread in threads { thread.join() }
    return state.withLock { $0.failure }
  }

  /// Asks the stream to give its partitions back in order and end.
  package func stop() {
    state.update { $0.isStopping = true }
  }

  /// Where the stream stands.
  package var snapshot: StreamSnapshot { state.withLock { $0.snapshot() } }

  // MARK: Reading

  private func read() {
    var records: [InputRecord] = []
    do throws(SourceFailure) {
      while state.withLock({ !$0.isStopping && $0.failure == nil }) {
        switch waitForRoom() {
        case .pause: try source.pause()
        case .resume: try source.resume()
        case nil: break
        }
        try source.poll(
          into: &records, max: options.pollRecordsMax,
          timeoutMilliseconds: options.pollMilliseconds, onChange: assignmentChanged)
        state.withLock { $0.lastPoll = Instant.now }
        guard !records.isEmpty else { continue }
        state.update { $0.receive(records, now: Instant.now) }
        records.removeAll(keepingCapacity: true)
      }
    } catch {
      state.update { $0.fail(.source(error.detail)) }
    }
    close()
  }

  /// Waits while the buffer is full, but never so long that the group would miss this member.
  private func waitForRoom() -> FlowChange? {
    state.wait { state -> Monitor<StreamState>.Turn<FlowChange?> in
      let change = state.machine.flowChange(now: Instant.now)
      let isDone = state.isStopping || state.failure != nil || state.machine.isPaused
      if change != nil || isDone || !state.machine.isFull { return .done(change) }
      return .sleep(atMost: .milliseconds(100))
    }
  }

  private func close() {
    do throws(SourceFailure) {
      let timeout = options.drainTimeoutMilliseconds + options.closeMilliseconds
      if try !source.close(timeoutMilliseconds: timeout, onChange: assignmentChanged) {
        state.update { $0.closedLate = true }
      }
    } catch {
      state.update { $0.fail(.source(error.detail)) }
    }
  }

  /// Called by the source on the reading thread: returns once revoked partitions may be given back.
  private func assignmentChanged(_ change: AssignmentChange) {
    switch change {
    case .assigned(let partitions):
      state.update { state in
        state.machine.assign(partitions)
        state.wasAssigned = true
      }
    case .lost(let partitions):
      state.update { $0.machine.abandon(partitions) }
    case .revoked(let partitions):
      state.update { $0.machine.drain(partitions) }
      let deadline = Instant.now.advanced(byMilliseconds: options.drainTimeoutMilliseconds)
      let isDrained = state.wait { state -> Monitor<StreamState>.Turn<Bool> in
        if state.machine.isDrained(partitions) { return .done(true) }
        let time = Instant.now
        if state.failure != nil || time >= deadline { return .done(false) }
        return .sleep(atMost: time.duration(until: deadline))
      }
      if !isDrained { state.update { $0.machine.abandon(partitions) } }
    }
  }

  // MARK: Preparing

  private func prepare() {
    let prepare = work.makePreparer()
    while let chunk = state.wait({ $0.nextChunk() }) {
      let items = prepare(chunk.items)
      state.update { $0.machine.prepared(chunk.id, items, now: Instant.now) }
    }
  }

  // MARK: Judging

  private func judge() {
    while let batch = nextWork({ $0.machine.nextBatch(now: $1) }) {
      let start = Instant.now
      do throws(ClassifierFailure) {
        let exchanges = batch.exchanges
        let judgements = exchanges.isEmpty ? [] : try batch.classifier.judge(exchanges)
        let end = Instant.now
        state.update {
          $0.machine.judged(batch.id, judgements, atMilliseconds: WallClock.milliseconds())
          $0.decided(batch, now: end)
          $0.count(judgements, nanoseconds: end.nanoseconds(since: start))
        }
      } catch {
        state.update {
          $0.machine.judgingFailed(batch.id, error, atMilliseconds: WallClock.milliseconds())
        }
      }
    }
  }

  // MARK: Publishing

  private func publish() {
    let encode = work.makeEncoder()
    while nextWork({ $0.machine.transactionIsDue(now: $1) }) != nil {
      do throws(SinkFailure) {
        let membership = try sink.membership()
        let decision = state.withLock { $0.machine.nextTransaction(now: Instant.now) }
        guard case .perform(let transaction) = decision else { continue }
        publish(transaction, as: membership, encode)
      } catch {
        state.update { $0.fail(.sink(error.detail)) }
      }
    }
  }

  private func publish(
    _ transaction: Transaction, as membership: StreamSink.Membership,
    _ encode: (JudgedItem, inout [OutputRecord]) -> Void
  ) {
    var records: [OutputRecord] = []
    records.reserveCapacity(transaction.items.count)
    var origins: [Int] = []
    origins.reserveCapacity(transaction.items.count)
    for (index, item) in transaction.items.enumerated() {
      encode(item, &records)
      while origins.count < records.count { origins.append(index) }
    }
    do throws(SinkFailure) {
      try sink.publish(records, offsets: transaction.offsets, as: membership)
      state.update { $0.committed(transaction, now: Instant.now) }
      work.observe(transaction)
    } catch {
      var item: Int?
      if case .rejected(let index, _) = error { item = origins[index] }
      state.update {
        $0.machine.publishingFailed(transaction.id, error, item: item, now: Instant.now)
        $0.lastSinkFailure = error
      }
    }
  }

  /// Waits for the next piece of work that `decide` finds; nil when the stream is over.
  private func nextWork<Work>(
    _ decide: (inout StreamState, Instant) -> Decision<Work>
  ) -> Work? {
    state.wait { state -> Monitor<StreamState>.Turn<Work?> in
      if state.isOver || state.failure != nil { return .done(nil) }
      let time = Instant.now
      switch decide(&state, time) {
      case .perform(let work): return .done(work)
      case .wait(until: nil): return .sleep(atMost: nil)
      case .wait(let until?): return .sleep(atMost: time.duration(until: until))
      }
    }
  }
}
