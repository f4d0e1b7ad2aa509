/// How often the labelling service does what comes round again and again.
enum LabelPace {
  /// The pause before a failed publication is tried again.
  static let retryMilliseconds = 1_000
  static let pollRecordsMax = 500
  static let pollMilliseconds = 50
  static let closeMilliseconds = 5_000
  /// How often expired labels are purged.
  static let purgeMilliseconds = 600_000
  /// The name under which the store keeps the estimates' state.
  static let estimatorNote = "estimator"
  /// How often that is kept.
  static let keepMilliseconds = 10_000
  /// How often what was asked of the teacher is kept there: a crash forgets that much.
  static let keepSpendingMilliseconds = 1_000
}
