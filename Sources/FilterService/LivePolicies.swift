package import Pipeline
internal import Synchronization

/// The policies of the moment: those that a model must fit from now on.
package final class LivePolicies: Sendable {
  private let book: Mutex<PolicyBook>

  package init(_ policies: PolicyBook) { book = Mutex(policies) }

  package var current: PolicyBook { book.withLock { $0 } }

  /// Takes other policies from now on.
  package func replace(with policies: PolicyBook) { book.withLock { $0 = policies } }
}
