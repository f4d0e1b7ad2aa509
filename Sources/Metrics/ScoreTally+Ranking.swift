// Metrics of the order of the scores, over all thresholds at once.
extension ScoreTally {
  /// The sum over thresholds of precision times the recall gained, without interpolation: what
  /// scikit-learn calls `average_precision_score`; nil unless both classes have rows.
  package var averagePrecision: Double? {
    let (unsafeTotal, safeTotal) = (unsafeTotal, safeTotal)
    guard unsafeTotal > 0, safeTotal > 0 else { return nil }
    var (truePositives, flagged, sum) = (0.0, 0.0, 0.0)
    for place in scores.indices {
      truePositives += unsafeCounts[place]
      flagged += unsafeCounts[place] + safeCounts[place]
      if unsafeCounts[place] > 0 { sum += unsafeCounts[place] * (truePositives / flagged) }
    }
    return sum / unsafeTotal
  }

  /// The probability that an unsafe row scores above a safe one, ties counting half: scikit-learn's
  /// `roc_auc_score`; nil unless both classes have rows.
  package var areaUnderROC: Double? {
    let (unsafeTotal, safeTotal) = (unsafeTotal, safeTotal)
    guard unsafeTotal > 0, safeTotal > 0 else { return nil }
    var (truePositives, sum) = (0.0, 0.0)
    for place in scores.indices {
      sum += safeCounts[place] * (truePositives + unsafeCounts[place] / 2)
      truePositives += unsafeCounts[place]
    }
    return sum / (unsafeTotal * safeTotal)
  }

  /// The largest recall of any threshold whose false-positive rate is at most this; nil unless both
  /// classes have rows.
  package func recall(falsePositiveRateMax bound: Double) -> Double? {
    let (unsafeTotal, safeTotal) = (unsafeTotal, safeTotal)
    guard unsafeTotal > 0, safeTotal > 0 else { return nil }
    var (truePositives, falsePositives) = (0.0, 0.0)
    for place in scores.indices {
      falsePositives += safeCounts[place]
      guard falsePositives / safeTotal <= bound else { break }
      truePositives += unsafeCounts[place]
    }
    return truePositives / unsafeTotal
  }

  /// The lowest threshold whose false-positive rate is at most this; nil without safe rows, and
  /// when even the scores of 1 hold too many of them.
  ///
  /// It is a score that occurs, or the next `Float` above the highest when nothing may be flagged:
  /// scores have that precision (see `Score`), so the threshold is exact for them.
  package func threshold(falsePositiveRateMax bound: Double) -> Double? {
    let safeTotal = safeTotal
    guard safeTotal > 0 else { return nil }
    var falsePositives = 0.0
    var lowest: Double?
    for place in scores.indices {
      falsePositives += safeCounts[place]
      guard falsePositives / safeTotal <= bound else { break }
      lowest = scores[place]
    }
    guard let lowest else {
      let above = Double(Float(scores[0]).nextUp)
      return above <= 1 ? above : nil
    }
    return lowest
  }
}
