internal import Synchronization

/// Lets numbered tasks pass one after the other in the order of their numbers, however they arrive.
package final class OrderedTurns: Sendable {
  private struct State {
    var next = 0
    var isClosed = false
    var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
  }

  private let state = Mutex(State())

  package init() {}

  /// Waits until all tasks with lower numbers have passed; false when it was closed.
  package func arrive(_ number: Int) async -> Bool {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> Bool? in
        if state.isClosed { return false }
        if state.next == number { return true }
        state.waiting[number] = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Lets the next task pass, after the one whose turn it was.
  package func pass() {
    let waiting = state.withLock { state in
      state.next += 1
      return state.waiting.removeValue(forKey: state.next)
    }
    waiting?.resume(returning: true)
  }

  /// Sends everybody away who waits or will come.
  package func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = [:] }
      return state.waiting.values.map { $0 }
    }
    for continuation in waiting { continuation.resume(returning: false) }
  }
}
