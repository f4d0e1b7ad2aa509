internal import Foundation

/// The time as the client sees it, so that tests can make it up.
package struct ClientClock: Sendable {
  /// The time since any fixed start.
  package let now: @Sendable () -> Duration
  /// Suspends for a while; throws when the task is cancelled.
  package let sleep: @Sendable (Duration) async throws -> Void
  /// A number from 0 to 1 for the jitter of pauses.
  package let jitter: @Sendable () -> Double
  /// The time of day, since 1970.
  package let wallMilliseconds: @Sendable () -> Int64

  package init(
    now: @escaping @Sendable () -> Duration,
    sleep: @escaping @Sendable (Duration) async throws -> Void,
    jitter: @escaping @Sendable () -> Double,
    wallMilliseconds: @escaping @Sendable () -> Int64 = {
      Int64(Date().timeIntervalSince1970 * 1_000)
    }
  ) {
    self.now = now
    self.sleep = sleep
    self.jitter = jitter
    self.wallMilliseconds = wallMilliseconds
  }

  /// The real time.
  package static let system: ClientClock = {
    let start = ContinuousClock.now
    return ClientClock(
      now: { ContinuousClock.now - start },
      sleep: { try await Task.sleep(for: $0) },
      jitter: { Double.random(in: 0...1) })
  }()
}
