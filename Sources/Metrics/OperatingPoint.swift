/// One threshold and what it achieves: a point of the precision-recall and of the ROC curve.
package struct OperatingPoint: Hashable, Sendable {
  /// Scores from this up are flagged.
  package let threshold: Double
  package let precision: Double
  package let recall: Double
  package let falsePositiveRate: Double
}

extension ScoreTally {
  /// A point for each distinct score, from the highest down; empty unless both classes have rows.
  package var operatingPoints: [OperatingPoint] {
    var confusion = Confusion(
      truePositives: 0, falsePositives: 0, unsafeTotal: unsafeTotal, safeTotal: safeTotal)
    var points: [OperatingPoint] = []
    for place in scores.indices {
      confusion.truePositives += unsafeCounts[place]
      confusion.falsePositives += safeCounts[place]
      if let precision = confusion.precision, let recall = confusion.recall,
        let falsePositiveRate = confusion.falsePositiveRate
      {
        points.append(
          OperatingPoint(
            threshold: scores[place], precision: precision, recall: recall,
            falsePositiveRate: falsePositiveRate))
      }
    }
    return points
  }

  /// The points that a drawing needs: neighbours nearer than `step` in recall, in false-positive
  /// rate and in precision are left out, the first and the last never.
  package func operatingPoints(step: Double) -> [OperatingPoint] {
    let points = operatingPoints
    var kept: [OperatingPoint] = []
    for (index, point) in points.enumerated() {
      if let last = kept.last, index < points.count - 1,
        abs(point.recall - last.recall) < step, abs(point.precision - last.precision) < step,
        abs(point.falsePositiveRate - last.falsePositiveRate) < step
      {
        continue
      }
      kept.append(point)
    }
    return kept
  }
}
