/// How scores become actions, for one group of tenants.
///
/// A value that never changes, and a class so that each judged record holds its policy by one
/// reference instead of a copy of all rules.
package final class Policy: Sendable {
  /// What is done with a flagged exchange.
  package enum FlaggedAction: String, Hashable, Sendable, CaseIterable {
    case quarantine
    case flag
  }

  /// Whether the action is taken or only reported.
  package enum Mode: String, Hashable, Sendable, CaseIterable {
    case enforce
    case monitor
  }

  /// What happens to an exchange that could not be judged, besides its dead letter.
  package enum Unjudged: String, Hashable, Sendable, CaseIterable {
    /// Fail closed: it goes nowhere else.
    case closed
    /// Fail open: it also goes on to the clean topic.
    case open
  }

  package let name: String
  /// An exchange whose score is at least this is flagged.
  package let threshold: Float
  package let action: FlaggedAction
  package let mode: Mode
  package let unjudged: Unjudged
  /// Rules for single categories of the model, by the names of its labels.
  package let categories: [String: CategoryRule]
  /// Known false positives, by name.
  package let exceptions: [PolicyException]
  /// SHA-256 over all of these, 64 hexadecimal digits; verdicts show it.
  package let digest: String
  /// Policies that are tried beside this one: what they would do is counted, and nothing else.
  package let trials: [Policy]

  package init(
    name: String = "default", threshold: Float = 0.5, action: FlaggedAction = .quarantine,
    mode: Mode = .enforce, unjudged: Unjudged = .closed, categories: [String: CategoryRule] = [:],
    exceptions: [PolicyException] = [], trials: [Policy] = []
  ) {
    self.name = name
    self.threshold = threshold
    self.action = action
    self.mode = mode
    self.unjudged = unjudged
    self.categories = categories
    self.exceptions = exceptions.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    self.trials = trials
    digest = Self.digest(
      name: name, threshold: threshold, action: action, mode: mode, unjudged: unjudged,
      categories: categories, exceptions: self.exceptions)
  }
}

extension Policy: Hashable {
  package static func == (left: Policy, right: Policy) -> Bool {
    left === right
      || left.digest == right.digest && left.name == right.name
        && left.threshold == right.threshold && left.action == right.action
        && left.mode == right.mode && left.unjudged == right.unjudged
        && left.categories == right.categories && left.exceptions == right.exceptions
        && left.trials == right.trials
  }

  package func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

/// What a policy does with exchanges of one category.
package struct CategoryRule: Hashable, Sendable {
  /// An exchange whose probability is at least this is flagged.
  package var threshold: Float
  /// nil lets it pass, whatever the probability.
  package var action: Policy.FlaggedAction?

  package init(threshold: Float, action: Policy.FlaggedAction?) {
    self.threshold = threshold
    self.action = action
  }
}
