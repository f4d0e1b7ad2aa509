internal import Guard

/// Why a service could not start, in the classes of sysexits.h.
package enum StartFailure: Error, Hashable, Sendable {
  /// The settings cannot work (EX_CONFIG).
  case configuration(String)
  /// The model cannot be loaded (EX_NOINPUT).
  case model(String)
  /// Brokers or topics are not there (EX_UNAVAILABLE).
  case unavailable(String)
}

extension StartFailure {
  /// The same failure of a model, in these classes.
  init(_ failure: GuardModelFailure) {
    switch failure {
    case .settings(let text): self = .configuration(text)
    case .unusable(let text): self = .model(text)
    }
  }
}

extension StartFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .configuration(let text), .model(let text), .unavailable(let text): text
    }
  }
}
