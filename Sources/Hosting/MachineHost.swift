package import Basics
package import Pipeline
package import Records
internal import Threading
package import Transport

/// Runs a machine: reads for it, lets workers wait for what it has to do, drains what is to be
/// given back, and leaves in order.
///
/// The machine is behind one lock, held only to hand over work; everything that blocks happens
/// outside of it, on threads and never on Swift's cooperative pool. Every step is a function that a
/// thread calls, or a simulation.
package final class MachineHost<Machine: HostedMachine, RecordSource: Source>: Sendable {
  /// How a host reads and leaves.
  package struct Options: Hashable, Sendable {
    /// Records that one read takes at most.
    package var pollRecordsMax: Int
    package var pollMilliseconds: Int
    /// How long giving partitions back, and leaving, may wait for what is on its way.
    package var drainMilliseconds: Int
    /// How long leaving the group may take on top.
    package var closeMilliseconds: Int

    package init(
      pollRecordsMax: Int = 128, pollMilliseconds: Int = 20, drainMilliseconds: Int = 10_000,
      closeMilliseconds: Int = 5_000
    ) {
      self.pollRecordsMax = pollRecordsMax
      self.pollMilliseconds = pollMilliseconds
      self.drainMilliseconds = drainMilliseconds
      self.closeMilliseconds = closeMilliseconds
    }
  }

  /// Prepares records that were read, outside the lock, and returns what the machine is then told.
  package typealias Take = ([InputRecord]) -> (inout Machine, Instant) -> Void

  private struct State: Sendable {
    var machine: Machine
    var progress: HostProgress
    var isStopping = false
    var isOver = false
  }

  package let clock: HostClock
  private let source: RecordSource
  private let options: Options
  private let readingFailure: @Sendable (RecordSource.Cause) -> Machine.Failure
  private let state: Monitor<State>

  /// A host that does not run yet.
  ///
  /// - Parameter readingFailure: how the machine's failures say that the source is of no more use.
  package init(
    _ machine: Machine, source: RecordSource, options: Options = Options(),
    clock: HostClock = .system,
    readingFailure: @escaping @Sendable (RecordSource.Cause) -> Machine.Failure
  ) {
    self.source = source
    self.options = options
    self.clock = clock
    self.readingFailure = readingFailure
    state = Monitor(State(machine: machine, progress: HostProgress(lastPoll: clock.now())))
  }

  /// Runs until `stop` or a failure, then leaves, and returns why it ended: nil after `stop`.
  ///
  /// Blocks; call it on a thread of its own, which then reads.
  ///
  /// - Parameters:
  ///   - workers: each runs on a thread of that name until `next` gives it nothing more.
  ///   - hasLeft: called once nothing more is read, before the workers are waited for.
  package func run(
    take: Take, workers: [(name: String, body: @Sendable () -> Void)],
    hasLeft: () -> Void = {}
  ) -> Machine.Failure? {
    let threads = workers.map { BlockingThread(name: $0.name, $0.body) }
    while read(take) {}
    leave()
    state.update { $0.isOver = true }
    hasLeft()
    for thread in threads { thread.join() }
    return failure
  }

  /// Asks the host to give its partitions back in order and end.
  package func stop() { state.update { $0.isStopping = true } }

  // MARK: Workers

  /// The next piece of work that `decide` finds, after waiting for it; nil when the host is over.
  package func next<Work>(_ decide: (inout Machine, Instant) -> Decision<Work>) -> Work? {
    wait { state, now in
      if state.isOver || state.machine.failure != nil { return .perform(nil) }
      switch decide(&state.machine, now) {
      case .perform(let work): return .perform(work)
      case .wait(let time): return .wait(until: time)
      }
    }
  }

  /// Looks at the machine without waking anybody.
  package func look<Result>(_ body: (inout Machine, Instant) -> Result) -> Result {
    let now = clock.now()
    return state.withLock { body(&$0.machine, now) }
  }

  /// Changes the machine, and wakes whoever waits for that.
  package func update<Result>(_ body: (inout Machine, Instant) -> Result) -> Result {
    let now = clock.now()
    return state.update { body(&$0.machine, now) }
  }

  /// How the host itself fares.
  package var progress: HostProgress {
    state.withLock { state in
      var progress = state.progress
      progress.waitingSince = state.machine.waitingSince
      progress.hasFailed = state.machine.failure != nil
      return progress
    }
  }

  package var failure: Machine.Failure? { state.withLock { $0.machine.failure } }

  /// Whether there is nothing more to do: the host has left, or cannot go on.
  package var isOver: Bool { state.withLock { $0.isOver || $0.machine.failure != nil } }

  // MARK: Reading

  /// Reads once; false when reading is over. The reading thread's step.
  package func read(_ take: Take) -> Bool {
    guard goesOn else { return false }
    var records: [InputRecord] = []
    do throws(RecordSource.Cause) {
      // What is read on after a rebalance may still have to wait for room.
      while case .hold(let isHeld) = waitForRoom() { try source.hold(where: isHeld) }
      guard goesOn else { return false }
      try source.poll(
        into: &records, max: options.pollRecordsMax,
        timeout: .milliseconds(options.pollMilliseconds), onChange: assignmentChanged)
    } catch {
      state.update { $0.machine.fail(readingFailure(error)) }
      return false
    }
    let tell = records.isEmpty ? nil : take(records)
    let now = clock.now()
    let hasWork = state.withLock { state in
      state.progress.lastPoll = now
      tell?(&state.machine, now)
      return state.machine.tick(now: now) || tell != nil
    }
    if hasWork { state.wakeAll() }
    return true
  }

  private var goesOn: Bool { state.withLock { !$0.isStopping && $0.machine.failure == nil } }

  /// Waits while there is no room; the machine sees to it that the group does not miss this member.
  private func waitForRoom() -> Intake {
    wait { state, now in
      let intake = state.machine.intake(now: now)
      let isLeaving = state.isStopping || state.machine.failure != nil
      guard case .wait = intake, !isLeaving else { return .perform(intake) }
      return .wait(until: now.advanced(byMilliseconds: Self.lookMilliseconds))
    }
  }

  /// Called by the source on the reading thread: returns once revoked partitions may be given back.
  private func assignmentChanged(_ change: AssignmentChange) {
    switch change {
    case .assigned(let partitions):
      state.update { state in
        state.machine.assign(partitions)
        state.progress.wasAssigned = true
      }
    case .lost(let partitions):
      state.update { $0.machine.giveUp(partitions) }
    case .revoked(let partitions):
      state.update { $0.machine.drain(partitions) }
      wait(atMost: options.drainMilliseconds) { $0.isDrained(partitions) }
      state.update { $0.machine.giveUp(partitions) }
    }
  }

  /// Finishes what should be finished, gives everything back and leaves the group.
  package func leave() {
    state.update { $0.machine.beginLeaving() }
    wait(atMost: options.drainMilliseconds) { $0.mayLeave }
    let timeout = Duration.milliseconds(options.drainMilliseconds + options.closeMilliseconds)
    do throws(RecordSource.Cause) {
      if try !source.close(timeout: timeout, onChange: assignmentChanged) {
        state.update { $0.progress.leftLate = true }
      }
    } catch {
      state.update { $0.machine.fail(readingFailure(error)) }
    }
  }

  // MARK: Waiting

  /// Waits until the machine satisfies a condition or has failed, or the time is over.
  private func wait(atMost milliseconds: Int, until isDone: (Machine) -> Bool) {
    let deadline = clock.now().advanced(byMilliseconds: milliseconds)
    wait { state, now -> Decision<Void> in
      let isOver = isDone(state.machine) || state.machine.failure != nil || now >= deadline
      return isOver ? .perform(()) : .wait(until: deadline)
    }
  }

  private func wait<Result>(_ decide: (inout State, Instant) -> Decision<Result>) -> Result {
    guard let passTime = clock.passTime else {
      return state.wait { state -> Monitor<State>.WaitStep<Result> in
        let now = clock.now()
        switch decide(&state, now) {
        case .perform(let result): return .done(result)
        case .wait(let time): return .sleep(atMost: time.map { now.duration(until: $0) })
        }
      }
    }
    while true {
      let now = clock.now()
      switch state.withLock({ decide(&$0, now) }) {
      case .perform(let result): return result
      case .wait(let time): passTime(time)
      }
    }
  }

  /// How often a full machine is asked for room.
  private static var lookMilliseconds: Int { 100 }
}
