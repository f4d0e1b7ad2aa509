internal import Synchronization

/// Lets a bounded number of requests through at a time, the others in the order of their coming.
package final class RequestLimiter: Sendable {
  /// Why a request was not let through.
  package enum Refusal: Error { case full, cancelled }

  private struct Waiter {
    let ticket: Int
    /// nil until its task is suspended.
    var continuation: CheckedContinuation<Bool, Never>?
  }

  private struct State {
    var free: Int
    var nextTicket = 0
    var waiters: [Waiter] = []
    /// What was decided about tickets before their tasks were suspended.
    var decided: [Int: Bool] = [:]

    /// The continuation to resume with `hasPlace`, if there is one already.
    mutating func decide(
      _ waiter: Waiter, hasPlace: Bool
    ) -> CheckedContinuation<Bool, Never>? {
      if waiter.continuation == nil { decided[waiter.ticket] = hasPlace }
      return waiter.continuation
    }
  }

  private let waitingMax: Int
  private let state: Mutex<State>

  package init(concurrentMax: Int, waitingMax: Int) {
    precondition(concurrentMax >= 1)
    self.waitingMax = waitingMax
    state = Mutex(State(free: concurrentMax))
  }

  /// Waits for a place, which `leave` gives back.
  package func enter() async throws(Refusal) {
    enum Turn { case entered, full, wait(Int) }
    let turn = state.withLock { state -> Turn in
      if state.free > 0 {
        state.free -= 1
        return .entered
      }
      if state.waiters.count >= waitingMax { return .full }
      state.nextTicket += 1
      state.waiters.append(Waiter(ticket: state.nextTicket))
      return .wait(state.nextTicket)
    }
    switch turn {
    case .entered: return
    case .full: throw .full
    case .wait(let ticket):
      guard await hasPlace(ticket) else { throw .cancelled }
    }
  }

  /// Gives a place to the request that has waited longest.
  package func leave() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      if state.waiters.isEmpty {
        state.free += 1
        return nil
      }
      return state.decide(state.waiters.removeFirst(), hasPlace: true)
    }
    next?.resume(returning: true)
  }

  /// Waits for the decision: false when the task was cancelled before there was a place.
  private func hasPlace(_ ticket: Int) async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let decision = state.withLock { state -> Bool? in
          if let index = state.waiters.firstIndex(where: { $0.ticket == ticket }) {
            state.waiters[index].continuation = continuation
            return nil
          }
          return state.decided.removeValue(forKey: ticket) ?? false
        }
        if let decision { continuation.resume(returning: decision) }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
        guard let index = state.waiters.firstIndex(where: { $0.ticket == ticket }) else {
          return nil
        }
        return state.decide(state.waiters.remove(at: index), hasPlace: false)
      }
      waiter?.resume(returning: false)
    }
  }
}
