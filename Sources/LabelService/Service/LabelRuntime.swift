internal import Basics
package import Hosting
package import LabelStore
package import LanguageModel
package import Logging
internal import Records
package import Settings
internal import StrictJSON
internal import Synchronization
package import Transport

/// Labels on a host: one thread reads, one asks the teacher, one stores, publishes and commits.
///
/// Each step is a function that takes work from the machine or gives it back; threads and
/// simulations call the same.
package final class LabelRuntime<LabelSource: Source, LabelSink: Sink>: Sendable {
  package let host: MachineHost<LabelCore, LabelSource>
  let sink: LabelSink
  let store: LabelStore
  let teacher: any Teacher
  let label: LabelSettings
  let logger: Logger
  let abortLog: FailureLog
  let teacherLog: FailureLog
  private let decoder: Mutex<LabelDecoder>

  /// A service that does not run yet, with the estimates as an earlier run left them.
  package init(
    source: LabelSource, sink: LabelSink, store: LabelStore, teacher: any Teacher,
    settings: Settings, label: LabelSettings, logger: Logger, clock: HostClock = .system
  ) throws(LabelStoreError) {
    self.sink = sink
    self.store = store
    self.teacher = teacher
    self.label = label
    self.logger = logger
    abortLog = FailureLog("a publication failed", logger: logger)
    teacherLog = FailureLog("the teacher failed", logger: logger)
    let machine = LabelMachine(
      limits: label.limits, plan: label.plan, teacher: teacher.identity,
      estimator: try Self.estimator(label, store), now: clock.now())
    host = MachineHost(
      LabelCore(machine: machine, verdictsTopic: settings.outputTopics.verdicts), source: source,
      options: .init(
        pollRecordsMax: LabelPace.pollRecordsMax, pollMilliseconds: LabelPace.pollMilliseconds,
        drainMilliseconds: settings.drainTimeoutMilliseconds,
        closeMilliseconds: LabelPace.closeMilliseconds),
      clock: clock, readingFailure: { .brokers($0.description) })
    decoder = Mutex(
      LabelDecoder(
        sampler: Sampler(plan: label.plan), verdictsTopic: settings.outputTopics.verdicts,
        disagreementsTopic: settings.disagreementsTopic, inputFormat: settings.wire.inputFormat,
        conversations: settings.wire.conversations,
        verdictFormat: settings.wire.outputFormat ?? settings.wire.inputFormat))
  }

  private static func estimator(
    _ label: LabelSettings, _ store: LabelStore
  ) throws(LabelStoreError) -> LiveEstimator {
    let fresh = LiveEstimator(windowMilliseconds: label.estimateWindowMilliseconds)
    guard let kept = try store.kept(as: LabelPace.estimatorNote),
      let former = try? JSONCoder.decode(LiveEstimator.self, from: kept),
      former.windowMilliseconds == fresh.windowMilliseconds
    else { return fresh }
    return former
  }

  /// Runs until `stop` or a failure; nil after `stop`. Blocks.
  ///
  /// - Parameter others: what else runs, each on a thread of that name, until the host is over.
  func run(others: [(name: String, body: @Sendable () -> Void)] = []) -> LabelFailure? {
    var workers = others
    workers.append(("ask", { self.ask() }))
    workers.append(("publish", { self.publish() }))
    let failure = host.run(
      take: take, workers: workers,
      hasLeft: {
        for task in host.look({ core, _ in core.tasks.values }) { task.cancel() }
      })
    if host.progress.leftLate { logger.warning("left the group without its answer") }
    if let failure { logger.error("labelling failed", metadata: ["reason": "\(failure)"]) }
    return failure
  }

  // MARK: Reading

  /// Reads once; false when reading is over.
  package func read() -> Bool { host.read(take) }

  private func take(_ records: [InputRecord]) -> (inout LabelCore, Instant) -> Void {
    let inputs = decoder.withLock { decoder in records.map { decoder.decode($0) } }
    let wall = host.clock.wallMilliseconds()
    return { $0.machine.receive(inputs, now: $1, wallMilliseconds: wall) }
  }

  // MARK: The store

  /// Lets the service end with a failure of the store, unless the same call can succeed later.
  func isRetriable(_ error: LabelStoreError) -> Bool {
    if error.isRetriable { return true }
    host.update { core, _ in core.fail(.store(error.description)) }
    return false
  }

  // MARK: Looking

  /// Where the service stands.
  package var snapshot: LabelSnapshot {
    let wall = host.clock.wallMilliseconds()
    let teacher = teacher.statement
    return host.look { core, _ in core.snapshot(teacher, wallMilliseconds: wall) }
  }
}
