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

  /// Each piece of work goes to one of those who wait, and those who find none go on sleeping.
  @Test func workIsHandedToOneWaiterEach() {
    let work = Monitor<(waiting: [Int], isOver: Bool)>(([], false))
    let taken = Mutex<[Int]>([])
    let threads = (0..<6).map { number in
      BlockingThread(name: "worker-\(number)") {
        while let next = work.wait({
          state -> Monitor<(waiting: [Int], isOver: Bool)>.WaitStep<Int?> in
          if !state.waiting.isEmpty { return .done(state.waiting.removeFirst()) }
          return state.isOver ? .done(nil) : .sleep(atMost: nil)
        }) {
          taken.withLock { $0.append(next) }
        }
      }
    }
    for number in 0..<20_000 { work.update { $0.waiting.append(number) } }
    work.update { $0.isOver = true }
    for thread in threads { thread.join() }
    #expect(taken.withLock { $0.sorted() } == Array(0..<20_000))
  }

  /// A wait that an update makes shorter ends at its new time, one that is made longer at that.
  @Test func anUpdateMayChangeHowLongAWaitLasts() {
    let limit = Monitor(ContinuousClock.now + .seconds(60))
    let start = ContinuousClock.now
    let waiting = Atomic<Bool>(false)
    let waiter = BlockingThread(name: "waiter") {
      limit.wait { limit in
        waiting.store(true, ordering: .relaxed)
        let now = ContinuousClock.now
        return now >= limit ? .done(()) : .sleep(atMost: limit - now)
      }
    }
    while !waiting.load(ordering: .relaxed) {}
    limit.update { $0 = start + .milliseconds(50) }
    limit.update { $0 = start + .milliseconds(150) }
    waiter.join()
    let time = ContinuousClock.now - start
    #expect(time >= .milliseconds(150) && time < .seconds(30))
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
