// How far the scores are probabilities.
extension ScoreTally {
  /// Bins of equal width that the calibration error is taken over.
  package static let reliabilityBinCount = 15

  /// The bins from score 0 to 1: bin k holds scores from k / 15 up to, but without, (k + 1) / 15;
  /// the last one holds 1 as well.
  package var reliabilityBins: [ReliabilityBin] {
    let count = Self.reliabilityBinCount
    var bins = Array(repeating: ReliabilityBin(), count: count)
    for place in scores.indices {
      let bin = min(count - 1, Int(scores[place] * Double(count)))
      let weight = unsafeCounts[place] + safeCounts[place]
      bins[bin].weight += weight
      bins[bin].unsafeCount += unsafeCounts[place]
      bins[bin].scoreSum += weight * scores[place]
    }
    return bins
  }

  /// Σ weight(bin) / weight · |mean score − share of unsafe rows|, of the unsafe class's
  /// probability (Naeini et al. 2015); nil without rows.
  package var expectedCalibrationError: Double? {
    let total = unsafeTotal + safeTotal
    guard total > 0 else { return nil }
    return reliabilityBins.reduce(0) { $0 + abs($1.scoreSum - $1.unsafeCount) } / total
  }

  /// The weight of each class in `count` bins of equal width over the scores 0 to 1.
  package func histogram(bins count: Int) -> [HistogramBin] {
    precondition(count > 0)
    var bins = Array(repeating: HistogramBin(unsafeCount: 0, safeCount: 0), count: count)
    for place in scores.indices {
      let bin = min(count - 1, Int(scores[place] * Double(count)))
      bins[bin].unsafeCount += unsafeCounts[place]
      bins[bin].safeCount += safeCounts[place]
    }
    return bins
  }
}

/// The rows whose scores fall into one bin.
package struct ReliabilityBin: Hashable, Sendable {
  /// The weight of its rows.
  package var weight = 0.0
  /// The weight of those that are unsafe.
  package var unsafeCount = 0.0
  var scoreSum = 0.0

  /// nil in an empty bin.
  package var meanScore: Double? { weight > 0 ? scoreSum / weight : nil }
  /// nil in an empty bin.
  package var unsafeShare: Double? { weight > 0 ? unsafeCount / weight : nil }
}

/// The weight of each class in one bin.
package struct HistogramBin: Hashable, Sendable {
  package var unsafeCount: Double
  package var safeCount: Double
}
