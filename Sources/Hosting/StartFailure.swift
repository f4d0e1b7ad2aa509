package import Basics

/// Why a service could not start, in the classes of sysexits.h.
package enum StartFailure: Error, Hashable, Sendable {
  /// The settings cannot work (EX_CONFIG).
  case configuration(String)
  /// The model or another input cannot be used (EX_NOINPUT).
  case model(String)
  /// Brokers, topics or a server are not there (EX_UNAVAILABLE).
  case unavailable(String)
}

extension StartFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .configuration(let text), .model(let text), .unavailable(let text): text
    }
  }
}

extension StartFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .configuration: .configuration
    case .model: .noInput
    case .unavailable: .unavailable
    }
  }
}
