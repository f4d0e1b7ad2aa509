package import Basics
package import Datasets
package import Guard
package import ModelRegistry
package import Pipeline

/// Why there is no evaluation; no case holds a text of a dataset.
package enum EvaluationFailure: Error, Sendable {
  /// A dataset cannot be used; it names the file and, where there is one, the line.
  case dataset(DatasetError)
  /// A dataset reads, but cannot serve its purpose.
  case unsuitable(String)
  case model(GuardModelFailure)
  /// What the model's `sluice.json` says of it cannot be read or changed.
  case description(RegistryError)
  case classifier(ClassifierFailure)
  /// A report cannot be written.
  case output(String)
}

extension EvaluationFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .dataset(let error): error.description
    case .unsuitable(let text), .output(let text): text
    case .model(let failure): failure.description
    case .description(let error): error.description
    case .classifier(let failure): failure.description
    }
  }
}

extension EvaluationFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .dataset(let error): error.exitStatus
    case .unsuitable: .data
    case .model(let failure): failure.exitStatus
    case .description(let error): error.exitStatus
    case .classifier(let failure): failure.exitStatus
    case .output: .output
    }
  }
}
