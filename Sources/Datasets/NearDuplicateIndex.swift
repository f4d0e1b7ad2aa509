/// Finds texts that are nearly equal to one of many, without comparing it to all of them.
///
/// Texts are candidates when they agree in one band of their summaries, and count when the
/// estimated similarity reaches the threshold.
package struct NearDuplicateIndex: Sendable {
  /// The least similarity that counts as nearly equal.
  package let threshold: Double
  private var summaries: [MinHash] = []
  /// The texts that have a number in a band; numbers of different bands differ.
  private var members: [UInt64: [Int32]] = [:]

  /// An empty index; below a threshold of a half it overlooks too much.
  package init(threshold: Double) {
    precondition((0.5...1).contains(threshold))
    self.threshold = threshold
  }

  /// The number of texts.
  package var count: Int { summaries.count }

  /// Adds a text, numbered in the order of coming.
  package mutating func insert(_ summary: MinHash) {
    let number = Int32(truncatingIfNeeded: summaries.count)
    precondition(summaries.count < Int32.max)
    summaries.append(summary)
    for band in summary.bands { members[band, default: []].append(number) }
  }

  /// The most similar text that counts as nearly equal; the first of equally similar ones.
  package func nearest(to summary: MinHash) -> (number: Int, similarity: Double)? {
    var candidates: Set<Int32> = []
    for band in summary.bands { candidates.formUnion(members[band] ?? []) }
    var best: (number: Int, similarity: Double)?
    for candidate in candidates.sorted() {
      let number = Int(candidate)
      let similarity = summaries[number].similarity(to: summary)
      if similarity >= threshold, similarity > best?.similarity ?? 0 {
        best = (number, similarity)
      }
    }
    return best
  }
}
