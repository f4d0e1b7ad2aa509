package import Basics

/// Why a guard model could not be made ready.
package enum GuardModelFailure: Error, Hashable, Sendable {
  /// The settings do not fit the model.
  case settings(String)
  /// The model's files cannot be used.
  case unusable(String)
  /// The device that the settings ask for cannot be used.
  case device(String)
}

extension GuardModelFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .settings(let text), .unusable(let text), .device(let text): text
    }
  }
}

extension GuardModelFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .settings: .configuration
    case .unusable: .noInput
    case .device: .unavailable
    }
  }
}
