internal import Glibc
package import Pipeline

/// The monotonic clock's time.
package func now() -> StreamInstant {
  StreamInstant(nanoseconds: read(CLOCK_MONOTONIC))
}

/// The wall clock's time in milliseconds since 1970-01-01 UTC.
package func wallClockMilliseconds() -> Int64 {
  read(CLOCK_REALTIME) / 1_000_000
}

private func read(_ clock: clockid_t) -> Int64 {
  var time = timespec()
  unsafe clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

extension StreamInstant {
  /// How long it is from this moment until `later`; zero when that is past.
  package func duration(until later: StreamInstant) -> Duration {
    .nanoseconds(max(0, later.nanoseconds(since: self)))
  }
}

/// Processors that this process may use.
package func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
