internal import Foundation
package import ModelRegistry
internal import Telemetry

/// How a run ended: `outcome.json`, and `last-outcome.json` of the newest.
package struct RetrainOutcome: Codable, Hashable, Sendable {
  /// What became of the champion.
  package enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// The candidate is the champion.
    case promoted
    /// The candidate passed, and waits to be promoted by hand.
    case registered
    /// The gate refused it; the champion stays.
    case rejected
    /// There was too little to learn.
    case skipped
    /// Something broke; the champion stays.
    case failed
  }

  package let kind: Kind
  /// Seconds since 1970-01-01 UTC.
  package let startedAt: Int
  package let endedAt: Int
  /// The champion before the run.
  package let champion: ModelVersion?
  /// The version that the run made.
  package let version: ModelVersion?
  /// Why, in words; of a refusal the checks that failed.
  package let reasons: [String]
  package let checks: [GateCheck]
  /// Labels that may be trained on.
  package let labels: Int

  package init(
    _ kind: Kind, startedAt: Int, endedAt: Int, champion: ModelVersion?,
    version: ModelVersion? = nil, reasons: [String], checks: [GateCheck] = [], labels: Int = 0
  ) {
    self.kind = kind
    self.startedAt = startedAt
    self.endedAt = endedAt
    self.champion = champion
    self.version = version
    self.reasons = reasons
    self.checks = checks
    self.labels = labels
  }

  private enum CodingKeys: String, CodingKey {
    case kind = "outcome"
    case startedAt = "started_at"
    case endedAt = "ended_at"
    case champion, version, reasons, checks, labels
  }

  /// The outcome as Prometheus' node exporter reads it from a text file.
  package var metrics: String {
    var page = MetricsPage()
    page.gauge(
      "sluice_retrain_last_run_timestamp_seconds", "When the last run ended.", Double(endedAt))
    page.gauge(
      "sluice_retrain_last_run_duration_seconds", "How long the last run took.",
      Double(endedAt - startedAt))
    page.gauge(
      "sluice_retrain_last_run_outcome", "How the last run ended: 1 for its outcome.",
      Kind.allCases.map { (labels: [("outcome", $0.rawValue)], value: $0 == kind ? 1 : 0) })
    page.gauge(
      "sluice_retrain_labels", "Teacher labels that the last run could train on.", Double(labels))
    page.gauge(
      "sluice_retrain_gate_check_passed", "Whether the last candidate passed a check.",
      checks.map { (labels: [("check", $0.name)], value: $0.isPassed ? 1 : 0) })
    page.gauge(
      "sluice_retrain_gate_check_value", "What a check of the last candidate measured.",
      checks.compactMap { check in
        check.value.map { (labels: [("check", check.name)], value: $0) }
      })
    return page.text()
  }
}
