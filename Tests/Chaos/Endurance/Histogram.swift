/// Counts up to bounds, the last of which is infinite.
package struct Histogram: Sendable {
  let bounds: [Double]
  let counts: [Double]

  package init(bounds: [Double], counts: [Double]) { (self.bounds, self.counts) = (bounds, counts) }

  /// What came since an earlier one.
  package func since(_ earlier: Histogram) -> Histogram {
    guard earlier.bounds == bounds else { return self }
    return Histogram(bounds: bounds, counts: zip(counts, earlier.counts).map { $0 - $1 })
  }

  /// The value below which that share lies, even within buckets; nil without any.
  package func quantile(_ share: Double) -> Double? {
    guard let all = counts.last, all > 0 else { return nil }
    let place = counts.firstIndex { $0 >= all * share } ?? counts.count - 1
    let before = place == 0 ? 0 : counts[place - 1]
    let low = place == 0 ? 0 : bounds[place - 1]
    guard bounds[place].isFinite, counts[place] > before else { return low }
    return low + (bounds[place] - low) * (all * share - before) / (counts[place] - before)
  }
}
