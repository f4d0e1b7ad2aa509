internal import LanguageModel
internal import Synchronization

/// What the tasks of one run know together of its servers: who waits for one, and which turns
/// everything down, by role.
final class ServerWatch: Sendable {
  /// Requests of one role that the server turned down in a row, after which not they are to blame.
  static let refusalsInARowMax = 20

  private struct State {
    var isClosed = false
    var refusals: [String: Int] = [:]
    var naps: [Int: Task<Void, any Error>] = [:]
    var nextNap = 0
  }

  private let state = Mutex(State())

  /// Lets nobody wait any longer, nor ask again.
  func close() {
    let naps = state.withLock { state in
      state.isClosed = true
      defer { state.naps = [:] }
      return state.naps.values.map { $0 }
    }
    for nap in naps { nap.cancel() }
  }

  /// - Throws: `Stop.closed` when the run has ended.
  func checkOpen() throws(Stop) {
    if state.withLock({ $0.isClosed }) { throw .closed }
  }

  /// Notes a good answer.
  func answered(_ role: String) { state.withLock { $0.refusals[role] = nil } }

  /// Notes that a request was turned down for what it is; whether that is still to be believed.
  func refused(_ role: String) -> Bool {
    state.withLock { state in
      state.refusals[role, default: 0] += 1
      return state.refusals[role, default: 0] < Self.refusalsInARowMax
    }
  }

  /// Waits.
  ///
  /// - Throws: `Stop.closed` as soon as the run ends.
  func wait(_ duration: Duration, _ clock: ClientClock, role: String) async throws(Stop) {
    let nap = Task { try await clock.sleep(duration) }
    let number = state.withLock { state -> Int? in
      if state.isClosed { return nil }
      state.nextNap += 1
      state.naps[state.nextNap] = nap
      return state.nextNap
    }
    guard let number else {
      nap.cancel()
      throw .closed
    }
    let result = await withTaskCancellationHandler {
      await nap.result
    } onCancel: {
      nap.cancel()
    }
    let isClosed = state.withLock { state in
      state.naps[number] = nil
      return state.isClosed
    }
    if isClosed { throw .closed }
    if case .failure = result {
      throw .failed(.unavailable(role: role, problem: "the run was cancelled"))
    }
  }
}
