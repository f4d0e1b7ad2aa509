internal import Basics
import Glibc

/// A value behind a lock, with waiting: the classic monitor.
///
/// For threads that block. Code on Swift's cooperative pool may call `withLock` and `update`, which
/// hold the lock briefly, but never `wait`.
@safe package final class Monitor<State>: @unchecked Sendable {
  // @unchecked Sendable: `state` is only touched while `mutex` is held, and both primitives live at
  // a stable address from `init` to `deinit`.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var state: State

  /// A monitor around `state`.
  package init(_ state: State) {
    self.state = state
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    let mutexResult = unsafe pthread_mutex_init(mutex, nil)
    precondition(mutexResult == 0)
    let conditionResult = unsafe pthread_cond_init(condition, &attributes)
    precondition(conditionResult == 0)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
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

  /// Runs `body` with the lock held, then wakes every waiter.
  package func update<Result, Failure: Error>(
    _ body: (inout State) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer {
      unsafe pthread_cond_broadcast(condition)
      unsafe pthread_mutex_unlock(mutex)
    }
    return try body(&state)
  }

  /// Wakes every waiter.
  package func wakeAll() { update { _ in } }

  /// What a body called by `wait` wants next.
  package enum WaitStep<Result> {
    /// Stop waiting, with this result.
    case done(Result)
    /// Call again after the next update, or after this time at the latest; nil waits for ever.
    case sleep(atMost: Duration?)
  }

  /// Calls `body` with the lock held, again after each update or time-out, until it is done.
  package func wait<Result>(_ body: (inout State) -> WaitStep<Result>) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while true {
      switch body(&state) {
      case .done(let result): return result
      case .sleep(nil): unsafe pthread_cond_wait(condition, mutex)
      case .sleep(let duration?): sleep(atMost: duration)
      }
    }
  }

  private func sleep(atMost duration: Duration) {
    let end = Duration.nanoseconds(Instant.now.nanoseconds) + max(.zero, duration)
    let (seconds, attoseconds) = end.components
    var deadline = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    unsafe pthread_cond_timedwait(condition, mutex, &deadline)
  }
}
