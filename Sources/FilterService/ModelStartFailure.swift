internal import Guard
internal import Hosting

extension StartFailure {
  /// The failure of a model, in the classes of a service's start.
  init(_ failure: GuardModelFailure) {
    switch failure {
    case .settings(let text): self = .configuration(text)
    case .unusable(let text): self = .model(text)
    case .device(let text): self = .unavailable(text)
    }
  }
}
