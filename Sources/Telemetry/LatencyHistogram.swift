import Histogram

/// How long things took, in microseconds, kept to three significant digits (HdrHistogram).
package struct LatencyHistogram: Sendable {
  /// nil before the first duration: it is large.
  private var histogram: Histogram<UInt64>?
  /// The sum of all durations recorded, in microseconds.
  package private(set) var totalMicroseconds: UInt64 = 0

  package init() {}

  package var count: UInt64 { histogram?.totalCount ?? 0 }

  /// Records `count` durations of the same length; an hour and more counts as an hour.
  package mutating func record(microseconds: Int64, count: Int = 1) {
    let value = UInt64(min(max(microseconds, 0), Self.longest))
    totalMicroseconds += value * UInt64(count)
    if histogram == nil { histogram = Histogram(highestTrackableValue: UInt64(Self.longest)) }
    histogram?.record(value, count: UInt64(count))
  }

  private static let longest: Int64 = 3_600_000_000

  package var totalSeconds: Double { Double(totalMicroseconds) / 1e6 }

  /// How many durations lie in each bucket: at or below each bound and above the one before, then
  /// those above the last. Bounds are exact to three digits.
  ///
  /// - Parameter bounds: in seconds, ascending.
  package func counts(upTo bounds: [Double]) -> [Int] {
    guard let histogram else { return Array(repeating: 0, count: bounds.count + 1) }
    var low: UInt64 = 0
    var counts: [Int] = []
    for bound in bounds {
      let high = UInt64((bound * 1e6).rounded())
      counts.append(Int(histogram.count(within: low...high)))
      low = histogram.highestEquivalentForValue(high) + 1
    }
    return counts + [Int(count) - counts.reduce(0, +)]
  }

  /// The duration that `percent` per cent of all do not exceed, in microseconds; 0 when empty.
  package func percentile(_ percent: Double) -> UInt64 {
    histogram?.valueAtPercentile(percent) ?? 0
  }
}
