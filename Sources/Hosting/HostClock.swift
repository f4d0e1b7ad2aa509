package import Basics

/// The time as a host sees it, so that tests can make it up.
package struct HostClock: Sendable {
  /// The monotonic time.
  package let now: @Sendable () -> Instant
  /// Milliseconds since 1970-01-01 UTC.
  package let wallMilliseconds: @Sendable () -> Int64
  /// Called, without the lock, wherever a thread would sleep; nil to let it sleep. With one thread
  /// it is here that everything else happens.
  package let passTime: (@Sendable (_ until: Instant?) -> Void)?

  package init(
    now: @escaping @Sendable () -> Instant, wallMilliseconds: @escaping @Sendable () -> Int64,
    passTime: (@Sendable (_ until: Instant?) -> Void)? = nil
  ) {
    self.now = now
    self.wallMilliseconds = wallMilliseconds
    self.passTime = passTime
  }

  /// The real time.
  package static let system = HostClock(
    now: { Instant.now }, wallMilliseconds: { WallClock.milliseconds() })
}
