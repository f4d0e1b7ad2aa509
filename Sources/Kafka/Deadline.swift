/// A moment until which a call may go on.
struct Deadline {
  private let instant: ContinuousClock.Instant

  init(after timeout: Duration) { instant = ContinuousClock.now + timeout }

  var isOver: Bool { ContinuousClock.now >= instant }

  /// The time left, zero when it is over.
  var remaining: Duration { max(.zero, instant - ContinuousClock.now) }

  /// The time left as librdkafka takes it: whole milliseconds, 0 when it is over.
  var milliseconds: Int32 { remaining.milliseconds }

  /// The time left, but not more than `limit`.
  func milliseconds(atMost limit: Int32) -> Int32 { min(milliseconds, limit) }
}

extension Duration {
  /// Whole milliseconds, rounded up, from 0 to what librdkafka can take.
  package var milliseconds: Int32 {
    let (seconds, attoseconds) = components
    if seconds >= Int64(Int32.max) / 1_000 { return .max }
    let milliseconds = seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    return Int32(max(0, milliseconds))
  }
}
