package import Settings

/// Every bound of the labelling service.
package struct LabelLimits: Hashable, Sendable {
  /// Exchanges, and verdicts, that wait for their other half at most, and the exchanges' bytes.
  package var joinRecordsMax = 20_000
  package var joinBytesMax = 64 << 20
  package var joinTimeoutMilliseconds = 600_000
  /// Chosen exchanges that wait for the teacher at most.
  package var queueMax = 1_000
  /// Questions on their way at once at most.
  package var concurrentMax = 4
  /// Labels of one tenant in an hour at most; nil for no cap.
  package var labelsPerTenantPerHour: Int? = 200
  package var whenUnavailable = LabelSettings.WhenUnavailable.wait
  /// How long a chosen exchange waits under `shed`.
  package var waitMaxMilliseconds = 600_000
  /// How often an exchange is tried under `shed`.
  package var attemptsMax = 5
  /// How long offsets of records without a label may wait for a commit.
  package var commitMilliseconds = 1_000
  /// Labels published at once at most.
  package var publicationMax = 500

  package init() {}
}
