internal import Glibc

/// A moment on a monotonic clock, in nanoseconds since an arbitrary start.
///
/// Machines never read a clock: whoever drives them says what time it is, so a simulation can run
/// years in a second.
package struct Instant: Hashable, Comparable, Sendable {
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static let zero = Instant(nanoseconds: 0)

  /// What the system's monotonic clock says.
  package static var now: Instant { Instant(nanoseconds: nanosecondsNow(CLOCK_MONOTONIC)) }

  package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The moment that many milliseconds later.
  package func advanced(byMilliseconds milliseconds: Int) -> Instant {
    Instant(nanoseconds: nanoseconds + Int64(milliseconds) * 1_000_000)
  }

  /// The moment that much later.
  package func advanced(by duration: Duration) -> Instant {
    advanced(byMilliseconds: Int(duration.milliseconds))
  }

  /// Nanoseconds from `earlier` to this moment.
  package func nanoseconds(since earlier: Instant) -> Int64 { nanoseconds - earlier.nanoseconds }

  /// Seconds from `earlier` to this moment.
  package func seconds(since earlier: Instant) -> Double {
    Double(nanoseconds(since: earlier)) / 1e9
  }

  /// How long it is from this moment until `later`; zero when that is past.
  package func duration(until later: Instant) -> Duration {
    .nanoseconds(max(0, later.nanoseconds(since: self)))
  }
}

/// The time of day as the system keeps it.
package enum WallClock {
  /// Milliseconds since 1970-01-01 UTC.
  package static func milliseconds() -> Int64 { nanosecondsNow(CLOCK_REALTIME) / 1_000_000 }
}

private func nanosecondsNow(_ clock: clockid_t) -> Int64 {
  var time = timespec()
  unsafe clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
