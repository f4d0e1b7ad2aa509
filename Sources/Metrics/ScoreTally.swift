/// How much weight the rows of each class have at each distinct score.
///
/// A threshold can only stand between distinct scores, so rows of equal score are flagged together
/// and no metric depends on their order.
package struct ScoreTally: Sendable {
  /// Distinct scores, from the highest to the lowest.
  package let scores: [Double]
  /// The weight of the unsafe rows at each of them.
  package internal(set) var unsafeCounts: [Double]
  /// The weight of the safe rows at each of them.
  package internal(set) var safeCounts: [Double]

  init(scores: [Double]) {
    self.scores = scores
    unsafeCounts = Array(repeating: 0, count: scores.count)
    safeCounts = unsafeCounts
  }

  /// The weight of all unsafe rows.
  package var unsafeTotal: Double { unsafeCounts.reduce(0, +) }
  /// The weight of all safe rows.
  package var safeTotal: Double { safeCounts.reduce(0, +) }

  /// What is flagged with scores of `threshold` or more, as the daemon flags.
  ///
  /// Hugging Face's argmax over two logits flags above 0.5 only: the same, but for a score of
  /// exactly 0.5.
  package func confusion(threshold: Double) -> Confusion {
    var result = Confusion(
      truePositives: 0, falsePositives: 0, unsafeTotal: unsafeTotal, safeTotal: safeTotal)
    for place in scores.indices {
      guard scores[place] >= threshold else { break }
      result.truePositives += unsafeCounts[place]
      result.falsePositives += safeCounts[place]
    }
    return result
  }

  /// Every metric that is defined, at this threshold where it needs one.
  package func values(threshold: Double) -> [Metric: Double] {
    let confusion = confusion(threshold: threshold)
    var values: [Metric: Double] = [:]
    values[.f1] = confusion.f1
    values[.auprc] = averagePrecision
    values[.auroc] = areaUnderROC
    values[.precision] = confusion.precision
    values[.recall] = confusion.recall
    values[.falsePositiveRate] = confusion.falsePositiveRate
    values[.recallAt1PercentFalsePositives] = recall(falsePositiveRateMax: 0.01)
    values[.recallAt5PercentFalsePositives] = recall(falsePositiveRateMax: 0.05)
    values[.expectedCalibrationError] = expectedCalibrationError
    return values
  }
}

/// What one threshold flags, by class.
package struct Confusion: Hashable, Sendable {
  /// The weight of the unsafe rows that are flagged.
  package var truePositives: Double
  /// The weight of the safe rows that are flagged.
  package var falsePositives: Double
  /// The weight of all unsafe rows.
  package let unsafeTotal: Double
  /// The weight of all safe rows.
  package let safeTotal: Double

  /// The weight of all rows that are flagged.
  package var flagged: Double { truePositives + falsePositives }

  /// Of what is flagged, the share that is unsafe; nil when nothing is flagged.
  package var precision: Double? { flagged > 0 ? truePositives / flagged : nil }

  /// Of what is unsafe, the share that is flagged; nil when nothing is unsafe.
  package var recall: Double? { unsafeTotal > 0 ? truePositives / unsafeTotal : nil }

  /// Of what is safe, the share that is flagged; nil when nothing is safe.
  package var falsePositiveRate: Double? { safeTotal > 0 ? falsePositives / safeTotal : nil }

  /// The harmonic mean of precision and recall, 0 when nothing unsafe is flagged; nil when nothing
  /// is unsafe.
  package var f1: Double? {
    guard unsafeTotal > 0 else { return nil }
    return 2 * truePositives / (truePositives + falsePositives + unsafeTotal)
  }
}
