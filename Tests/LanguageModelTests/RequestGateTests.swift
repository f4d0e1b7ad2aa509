import Synchronization
import Testing

import LanguageModel

@Suite struct RequestGateTests {
  /// How many are inside, and were at most.
  private final class Count: Sendable {
    let value = Mutex((now: 0, most: 0))
  }

  @Test func noMoreThanTheLimitAreInside() async throws {
    let gate = RequestGate(concurrentMax: 3, waitingMax: 100)
    let inside = Count()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask {
          try await gate.enter()
          inside.value.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
          }
          await Task.yield()
          inside.value.withLock { $0.now -= 1 }
          gate.leave()
        }
      }
      try await group.waitForAll()
    }
    #expect(inside.value.withLock { $0.most } <= 3)
    // Every place was given back.
    for _ in 0..<3 { try await gate.enter() }
  }

  @Test func tooManyWaitingAreRefused() async throws {
    let gate = RequestGate(concurrentMax: 1, waitingMax: 0)
    try await gate.enter()
    await #expect(throws: RequestGate.Refusal.full) { try await gate.enter() }
    gate.leave()
    try await gate.enter()
  }

  @Test func aCancelledTaskTakesNoPlace() async throws {
    for _ in 0..<200 {
      let gate = RequestGate(concurrentMax: 1, waitingMax: 10)
      try await gate.enter()
      let waiting = Task { try await gate.enter() }
      await Task.yield()
      waiting.cancel()
      gate.leave()
      // Either it came in before it was cancelled, or not at all; then the place is free.
      if (try? await waiting.value) != nil { gate.leave() }
      try await gate.enter()
      gate.leave()
    }
  }
}
