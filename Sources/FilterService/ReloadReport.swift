/// What reading the settings again came to: the answer of `sluice reload`.
package struct ReloadReport: Codable, Hashable, Sendable {
  package enum Outcome: String, Codable, Hashable, Sendable {
    case replaced
    case unchanged
    /// What was there before stays.
    case refused
  }

  /// What became of policies or of the model.
  package struct Part: Codable, Hashable, Sendable {
    package var outcome: Outcome
    /// What there is now, or why nothing changed.
    package var detail: String

    package init(_ outcome: Outcome, _ detail: String) {
      self.outcome = outcome
      self.detail = detail
    }
  }

  package var policies: Part
  package var model: Part
  /// Other settings changed, which count after a restart.
  package var needsRestart: Bool

  package init(policies: Part, model: Part, needsRestart: Bool) {
    self.policies = policies
    self.model = model
    self.needsRestart = needsRestart
  }

  /// Whether anything was refused.
  package var isRefused: Bool { policies.outcome == .refused || model.outcome == .refused }
}
