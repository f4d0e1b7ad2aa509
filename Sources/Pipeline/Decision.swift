package import Basics

/// What a worker should do now.
package enum Decision<Work: Sendable>: Sendable {
  case perform(Work)
  /// Ask again at that time, or after the machine has changed; nil: only after a change.
  case wait(until: Instant?)
}

extension Decision {
  /// What to perform; nil where there is to wait.
  package var work: Work? { if case .perform(let work) = self { work } else { nil } }
}
