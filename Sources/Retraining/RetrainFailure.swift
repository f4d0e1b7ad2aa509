package import Basics
package import Datasets
package import Files
package import LabelStore
package import Learning
package import ModelRegistry

/// Why a retraining ended without a decision. The champion is then what it was.
package enum RetrainFailure: Error, Hashable, Sendable {
  /// Another run is at work.
  case busy(String)
  /// The settings, or what they name, are wrong.
  case configuration(String)
  /// Brokers do not answer.
  case unavailable(String)
  /// A file that the settings name cannot be read.
  case dataset(DatasetError)
  /// Data that cannot be used, or too little of it.
  case data(String)
  /// The champion cannot be used.
  case model(String)
  /// The label store cannot be used.
  case store(String)
  /// The registry refused a change.
  case registry(RegistryError)
  /// A file cannot be written.
  case output(String)
  /// The training itself failed.
  case training(String)
  /// It was asked to stop; the same command goes on.
  case stopped
}

extension RetrainFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .busy(let text), .configuration(let text), .unavailable(let text), .data(let text),
      .model(let text), .store(let text), .output(let text), .training(let text):
      text
    case .dataset(let error): error.description
    case .registry(let error): error.description
    case .stopped: "stopped; the same command goes on from here"
    }
  }

  /// What the system refused.
  package init(_ error: FileError) {
    self = error.kind == .busy ? .busy(error.description) : .output(error.description)
  }

  /// What the label store could not do.
  package init(_ error: LabelStoreError) {
    self = error.isOfTheDisk ? .output(error.description) : .store(error.description)
  }

  /// What a training's failure means for the run; its data are the run's own.
  package init(_ failure: LearningFailure) {
    self =
      switch failure {
      case .stopped: .stopped
      case .data, .tooLittleData: .data(failure.description)
      case .model: .model(failure.description)
      case .output: .output(failure.description)
      case .training: .training(failure.description)
      }
  }

  /// Whether the same run can end well later: what is done so far is kept.
  package var isResumable: Bool {
    switch self {
    case .busy, .unavailable, .stopped, .output, .store, .registry, .configuration, .dataset: true
    case .data, .model, .training: false
    }
  }
}

extension RetrainFailure: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .busy, .stopped: .temporary
    case .configuration: .configuration
    case .unavailable: .unavailable
    case .dataset(let error): error.exitStatus
    case .data: .data
    case .model: .noInput
    case .output: .output
    case .registry(let error): error.exitStatus
    case .store, .training: .software
    }
  }
}
