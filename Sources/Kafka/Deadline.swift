internal import Basics

/// A moment until which a call may go on.
struct Deadline {
  private let instant: ContinuousClock.Instant

  init(after timeout: Duration) { instant = ContinuousClock.now + timeout }

  var isOver: Bool { ContinuousClock.now >= instant }

  /// The time left, zero when it is over.
  var remaining: Duration { max(.zero, instant - ContinuousClock.now) }

  /// The time left as librdkafka takes it: whole milliseconds, 0 when it is over.
  var milliseconds: Int32 { remaining.waitMilliseconds }

  /// The time left, but not more than `limit`.
  func milliseconds(atMost limit: Int32) -> Int32 { min(milliseconds, limit) }
}

extension Duration {
  /// Whole milliseconds, rounded up, from 0 to what librdkafka can take.
  package var waitMilliseconds: Int32 { Int32(clamping: max(0, milliseconds)) }
}
