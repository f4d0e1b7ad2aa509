import Synchronization
import Testing

import LanguageModel

@Suite struct RequestLimiterTests {
  /// How many are inside, and were at most.
  private final class Count: Sendable {
    let value = Mutex((now: 0, most: 0))
  }

  @Test func noMoreThanTheLimitAreInside() async throws {
    let limiter = RequestLimiter(concurrentMax: 3, waitingMax: 100)
    let inside = Count()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask {
          try await limiter.enter()
          inside.value.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
          }
          await Task.yield()
          inside.value.withLock { $0.now -= 1 }
          limiter.leave()
        }
      }
      try await group.waitForAll()
    }
    #expect(inside.value.withLock { $0.most } <= 3)
    // Every place was given back.
    for _ in 0..<3 { try await limiter.enter() }
  }

  @Test func tooManyWaitingAreRefused() async throws {
    let limiter = RequestLimiter(concurrentMax: 1, waitingMax: 0)
    try await limiter.enter()
    await #expect(throws: RequestLimiter.Refusal.full) { try await limiter.enter() }
    limiter.leave()
    try await limiter.enter()
  }

  @Test func aCancelledTaskTakesNoPlace() async throws {
    for _ in 0..<200 {
      let limiter = RequestLimiter(concurrentMax: 1, waitingMax: 10)
      try await limiter.enter()
      let waiting = Task { try await limiter.enter() }
      await Task.yield()
      waiting.cancel()
      limiter.leave()
      // Either it came in before it was cancelled, or not at all; then the place is free.
      if (try? await waiting.value) != nil { limiter.leave() }
      try await limiter.enter()
      limiter.leave()
    }
  }
}
