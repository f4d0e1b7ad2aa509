package import Basics
package import Datasets
internal import Files
internal import LanguageModel

/// Why augmentation cannot begin or go on; it never shows a text.
package enum AugmentationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A file of examples cannot be read.
  case dataset(DatasetError)
  /// The examples, or what they are used for, will not do.
  case data(String)
  /// Output or journal cannot be read or written, or belong to other settings.
  case file(path: String, problem: String)
  /// A server refuses to work as it is asked to.
  case server(role: String, problem: String)
  /// A server did not come back in time; running the command again goes on.
  case unavailable(role: String, problem: String)

  package var description: String {
    switch self {
    case .dataset(let error): error.description
    case .data(let problem): problem
    case .file(let path, let problem): "\(path): \(problem)"
    case .server(let role, let problem): "\(role): \(problem)"
    case .unavailable(let role, let problem):
      "\(role): \(problem); run the same command to go on"
    }
  }

  /// What the system refused.
  init(_ error: FileError) { self = .file(path: error.path, problem: error.reason) }

  /// What a failed request means for the whole run.
  init(_ error: LanguageModelError, role: String) {
    self =
      error.isPassing
      ? .unavailable(role: role, problem: error.description)
      : .server(role: role, problem: error.description)
  }

  /// What a teacher's failure means for the whole run.
  init(_ error: TeacherError) {
    switch error {
    case .server(let error): self = AugmentationError(error, role: "teacher")
    case .unfit(let problem): self = .server(role: "teacher", problem: problem)
    }
  }
}

extension AugmentationError: CommandError {
  package var exitStatus: ExitStatus {
    switch self {
    case .dataset(let error): error.exitStatus
    case .data: .data
    case .file: .output
    case .server: .configuration
    case .unavailable: .unavailable
    }
  }
}
