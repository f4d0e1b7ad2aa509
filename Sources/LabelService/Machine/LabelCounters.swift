/// What the service has done since it started.
package struct LabelCounters: Hashable, Sendable {
  package var exchanges = 0
  package var verdicts = 0
  package var disagreements = 0
  /// Records that cannot be read.
  package var unreadable = 0
  package var chosen: [Stratum: Int] = [:]
  /// Labels published, by the stratum that chose the exchange.
  package var labels: [Stratum: Int] = [:]
  package var unsafeLabels = 0
  /// Chosen exchanges whose content was labelled before.
  package var reused = 0
  /// Chosen exchanges that were left unlabelled, by reason.
  package var left: [Reason: Int] = [:]
  package var publications = 0
  package var failedPublications = 0

  package init() {}

  /// Why a chosen exchange is not labelled, or why an exchange was never put to the choice.
  package enum Reason: String, Hashable, Sendable, CaseIterable {
    case tenantCap = "tenant_cap"
    case queueFull = "queue_full"
    case waitedTooLong = "waited_too_long"
    case teacherFailed = "teacher_failed"
    /// The teacher cannot judge this exchange.
    case unanswerable
    /// The verdict never came.
    case unjudged
    /// The exchange never came.
    case orphaned
    /// The broker refuses the label, which only the store has.
    case tooLarge = "too_large"
  }
}
