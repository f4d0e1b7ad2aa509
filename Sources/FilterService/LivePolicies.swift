package import Pipeline
internal import Synchronization

/// The policies of the moment: those that a model must fit from now on.
package final class LivePolicies: Sendable {
  private struct State {
    var book: PolicyBook
    var looksAtContents: Bool
    /// Those that are to decide once there is a model for them.
    var next: PolicyBook?
  }

  private let state: Mutex<State>

  package init(_ policies: PolicyBook) {
    state = Mutex(State(book: policies, looksAtContents: policies.looksAtContents))
  }

  package var current: PolicyBook { state.withLock { $0.book } }

  /// Those that a model must fit that is loaded now.
  var wanted: PolicyBook { state.withLock { $0.next ?? $0.book } }

  /// Whether some exception of theirs asks for the digests of contents.
  package var looksAtContents: Bool { state.withLock { $0.looksAtContents } }

  /// Takes other policies from now on.
  package func replace(with policies: PolicyBook) {
    state.withLock { $0 = State(book: policies, looksAtContents: policies.looksAtContents) }
  }

  /// Lets models in that fit these policies, and not those of the moment; nil ends that.
  func await(_ policies: PolicyBook?) { state.withLock { $0.next = policies } }
}
