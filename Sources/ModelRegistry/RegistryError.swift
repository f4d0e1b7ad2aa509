package import Basics
internal import Files

/// What a registry could not do.
package struct RegistryError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kinds of failure that callers tell apart.
  package enum Kind: Hashable, Sendable {
    /// There is no such registry, version or file.
    case missing
    /// The version is there already.
    case exists
    /// Another process is changing the registry.
    case busy
    /// A file is not what its manifest says.
    case damaged
    /// The operation makes no sense now.
    case refused
    /// The system refused a call.
    case system
  }

  package let kind: Kind
  /// The file, folder or version that it is about.
  package let subject: String
  package let problem: String

  package init(_ kind: Kind, _ subject: String, _ problem: String) {
    self.kind = kind
    self.subject = subject
    self.problem = problem
  }

  /// What the system refused.
  init(_ error: FileError) {
    let kind: Kind =
      switch error.kind {
      case .missing: .missing
      case .busy: .busy
      case .system: .system
      }
    self.init(kind, error.path, error.reason)
  }

  package var description: String { "\(subject): \(problem)" }
}

extension RegistryError: CommandError {
  package var exitStatus: ExitStatus {
    switch kind {
    case .missing, .damaged: .noInput
    case .exists, .refused: .data
    case .busy: .unavailable
    case .system: .output
    }
  }
}
