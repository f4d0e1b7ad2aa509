/// A moment on a monotonic clock, in nanoseconds since an arbitrary start.
///
/// The machines of this module never read a clock: whoever drives them says what time it is, so a
/// simulation can run years in a second.
package struct StreamInstant: Hashable, Comparable, Sendable {
  package let nanoseconds: Int64

  package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  package static let zero = StreamInstant(nanoseconds: 0)

  package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The moment that many milliseconds later.
  package func advanced(byMilliseconds milliseconds: Int) -> StreamInstant {
    StreamInstant(nanoseconds: nanoseconds + Int64(milliseconds) * 1_000_000)
  }

  /// Nanoseconds from `earlier` to this moment.
  package func nanoseconds(since earlier: StreamInstant) -> Int64 {
    nanoseconds - earlier.nanoseconds
  }
}
