/// A figure of merit of a binary classifier whose positive class is "unsafe".
///
/// The raw values are the names in reports. A value that a set cannot define, as without rows of
/// one class, is absent from `[Metric: Double]`, never made up.
package enum Metric: String, CaseIterable, Hashable, Sendable {
  /// 2 TP / (2 TP + FP + FN) at the threshold; undefined without unsafe rows.
  case f1
  /// Average precision as scikit-learn defines it; undefined without rows of both classes.
  case auprc
  /// Area under the ROC curve, ties counting half; undefined without rows of both classes.
  case auroc
  /// TP / (TP + FP) at the threshold; undefined when nothing is flagged.
  case precision
  /// TP / (TP + FN) at the threshold; undefined without unsafe rows.
  case recall
  /// FP / (FP + TN) at the threshold; undefined without safe rows.
  case falsePositiveRate
  /// The largest recall of any threshold that flags at most 1 % of the safe rows.
  case recallAt1PercentFalsePositives
  /// The largest recall of any threshold that flags at most 5 % of the safe rows.
  case recallAt5PercentFalsePositives
  /// Mean distance of score and observed share of unsafe rows over `ScoreTally.reliabilityBins`.
  case expectedCalibrationError

  /// Whether a larger value is a better classifier.
  package var isBetterWhenHigher: Bool {
    switch self {
    case .falsePositiveRate, .expectedCalibrationError: false
    default: true
    }
  }
}
