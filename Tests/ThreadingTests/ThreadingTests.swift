import Synchronization
import Testing
import Threading

@Suite struct ThreadingTests {
  @Test func aWaiterSeesEveryUpdate() {
    let numbers = Monitor<[Int]>([])
    let producer = BlockingThread(name: "producer") {
      for number in 0..<1000 { numbers.update { $0.append(number) } }
    }
    let all = numbers.wait { $0.count == 1000 ? .done($0) : .sleep(atMost: nil) }
    producer.join()
    #expect(all == Array(0..<1000))
  }

  private final class Held: Sendable {
    private let count: Counter

    init(_ count: Counter) { self.count = count }

    deinit { count.value.add(1, ordering: .relaxed) }
  }

  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  /// Whoever has waited for a thread may end the process, and nothing is then still being freed.
  @Test func whatABodyHeldIsFreedBeforeItCountsAsOver() {
    let count = Counter()
    func start() -> BlockingThread {
      let held = Held(count)
      return BlockingThread(name: "holder") { withExtendedLifetime(held) {} }
    }
    for round in 1...500 {
      start().join()
      #expect(count.value.load(ordering: .relaxed) == round)
    }
  }

  @Test(arguments: [0, 1, 120]) func aWaitEndsWhenItsTimeIsUp(milliseconds: Int) {
    let never = Monitor(false)
    let start = ContinuousClock.now
    let deadline = start + .milliseconds(milliseconds)
    let woken = never.wait { value in
      if value { return .done(true) }
      let now = ContinuousClock.now
      return now >= deadline ? .done(false) : .sleep(atMost: deadline - now)
    }
    #expect(!woken)
    #expect(ContinuousClock.now - start >= .milliseconds(milliseconds))
  }

  @Test func joiningAThreadWaitsForItsEnd() {
    let mayRun = Monitor(false)
    let thread = BlockingThread(name: "a name longer than fifteen bytes") {
      mayRun.wait { $0 ? .done(()) : .sleep(atMost: nil) }
    }
    #expect(!thread.join(atMost: .milliseconds(5)))
    mayRun.update { $0 = true }
    thread.join()
    #expect(thread.join(atMost: .zero))
  }
}
