/// Why a service could not start, in the classes of sysexits.h.
package enum StartFailure: Error, Hashable, Sendable {
  /// The settings cannot work (EX_CONFIG).
  case configuration(String)
  /// The model cannot be loaded (EX_NOINPUT).
  case model(String)
  /// Brokers or topics are not there (EX_UNAVAILABLE).
  case unavailable(String)
}

extension StartFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .configuration(let text), .model(let text), .unavailable(let text): text
    }
  }
}
