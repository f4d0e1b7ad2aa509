/// Lets threads take turns in the order in which they came: a thread that takes one after another
/// leaves each other thread that waits its turn in between, which a mutex does not promise.
package final class Turns: Sendable {
  private struct State {
    /// The number of the next that comes.
    var next = 0
    /// The number of the one whose turn it is.
    var current = 0
  }

  private let state = Monitor(State())

  package init() {}

  /// Runs `body` when it is the caller's turn, while nobody else has one.
  package func take<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let number = state.withLock { state in
      defer { state.next += 1 }
      return state.next
    }
    state.wait { $0.current == number ? .done(()) : .sleep(atMost: nil) }
    defer { state.update { $0.current += 1 } }
    return try body()
  }
}
