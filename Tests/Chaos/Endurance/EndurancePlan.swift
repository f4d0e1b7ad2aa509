/// What a long run does.
struct EndurancePlan: Sendable {
  /// A time in which the filter has little of the processor.
  struct Throttle: Sendable {
    /// Seconds after the beginning.
    let during: Range<Double>
    /// The share of that time for which it may run at first.
    let share: Double
    /// Exchanges a second that it is to judge; the share follows.
    let rate: Double
  }

  var seed: UInt64
  var shape: LoadShape
  var texts = Workload.Texts()
  /// Different texts.
  var variants: Int
  var partitions = 6
  /// The folder of the model that is the first champion.
  var model: String
  /// The settings' `engine.precision`.
  var precision: String
  /// The settings' `cache.entries_max`.
  var cacheEntries: Int
  var throttle: Throttle?
  /// A labelling service runs beside it, and every so many seconds a retraining, which lets a new
  /// model in; nil for neither.
  var retrainSeconds: Double?
  /// Seconds after the last exchange within which all have to be decided.
  var patience: Double
  /// Seconds between two looks at everything.
  var interval = 1.0
  /// The program that is run.
  var program: String
  /// Where it happens; nil for a broker of its own.
  var cluster: Cluster?
  /// Where logs and the report go.
  var folder: String
}
