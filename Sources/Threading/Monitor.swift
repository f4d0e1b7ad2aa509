internal import Basics
import Glibc

/// A value behind a lock, with waiting: a monitor that wakes only those who have a reason.
///
/// Whoever changes the value looks on behalf of those who wait, in the order in which they came,
/// and hands each its result: a thread that would find nothing to do goes on sleeping.
///
/// For threads that block. Code on Swift's cooperative pool may call `withLock` and `update`, which
/// hold the lock briefly, but never `wait`.
@safe package final class Monitor<State>: @unchecked Sendable {
  // @unchecked Sendable: `state` and `waiters` are only touched while `mutex` is held, which lives
  // at a stable address from `init` to `deinit`. A waiter's step runs on whatever thread holds the
  // lock, while the waiter itself sleeps.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var state: State
  private var waiters: [Waiter<State>] = []

  /// A monitor around `state`.
  package init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    let result = unsafe pthread_mutex_init(mutex, nil)
    precondition(result == 0)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Runs `body` with the lock held, waking nobody: for reading.
  package func withLock<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&state)
  }

  /// Runs `body` with the lock held, then lets every waiter look.
  package func update<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer {
      for waiter in waiters where waiter.look(&state) { waiter.wake() }
      unsafe pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Lets every waiter look.
  package func wakeAll() { update { _ in } }

  /// What a body called by `wait` wants next.
  package enum WaitStep<Result> {
    /// Stop waiting, with this result.
    case done(Result)
    /// Call again after the next update, or after this time at the latest; nil waits for ever.
    case sleep(atMost: Duration?)
  }

  /// Calls `body` with the lock held, again after each update or time-out, until it is done.
  ///
  /// Later calls may come from the threads that update.
  package func wait<Result>(_ body: (inout State) -> WaitStep<Result>) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    var result: Result?
    withoutActuallyEscaping(body) { body in
      func step(_ state: inout State) -> Waiter<State>.Step {
        switch body(&state) {
        case .done(let found):
          result = found
          return .done
        case .sleep(let duration): return .sleep(until: duration.map(Self.deadline))
        }
      }
      guard case .sleep(let deadline) = step(&state) else { return }
      let waiter = Waiter(until: deadline, step)
      waiters.append(waiter)
      while !waiter.isDone {
        unsafe waiter.sleep(releasing: mutex)
        if !waiter.isDone { _ = waiter.look(&state) }
      }
      waiters.removeAll { $0 === waiter }
      waiter.forget()
    }
    guard let result else { preconditionFailure("a wait ended without a result") }
    return result
  }

  /// Nanoseconds on the clock of `Instant`.
  private static func deadline(after duration: Duration) -> Int64 {
    let (seconds, attoseconds) = max(.zero, duration).components
    return Int64(Instant.now.nanoseconds) + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
  }
}

/// Somebody who waits at a monitor; only touched while its lock is held.
@safe private final class Waiter<State> {
  enum Step {
    case done
    /// In nanoseconds; nil for ever.
    case sleep(until: Int64?)
  }

  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var step: ((inout State) -> Step)?
  private var deadline: Int64?
  private(set) var isDone = false

  init(until deadline: Int64?, _ step: @escaping (inout State) -> Step) {
    self.deadline = deadline
    self.step = step
    unsafe condition = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    let result = unsafe pthread_cond_init(condition, &attributes)
    precondition(result == 0)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe condition.deallocate()
  }

  /// Whether the waiter is to wake: since it is done now, or must sleep less long than it meant to.
  func look(_ state: inout State) -> Bool {
    guard !isDone, let step else { return false }
    switch step(&state) {
    case .done:
      isDone = true
      return true
    case .sleep(let next):
      let isSooner = next.map { $0 < deadline ?? .max } ?? false
      deadline = next
      return isSooner
    }
  }

  func wake() { unsafe pthread_cond_signal(condition) }

  /// Sleeps until it is woken or its time is over.
  func sleep(releasing mutex: UnsafeMutablePointer<pthread_mutex_t>) {
    guard let deadline else {
      unsafe pthread_cond_wait(condition, mutex)
      return
    }
    var time = timespec(
      tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
    unsafe pthread_cond_timedwait(condition, mutex, &time)
  }

  /// Lets go of the body that it was to call.
  func forget() { step = nil }
}
