import Synchronization
import Testing
import Threading

@Suite struct TurnsTests {
  @Test func oneHasATurnAtATime() {
    let turns = Turns()
    let inside = Atomic<Int>(0)
    let total = Atomic<Int>(0)
    let threads = (0..<8).map { number in
      BlockingThread(name: "turn-\(number)") {
        for _ in 0..<2_000 {
          turns.take {
            #expect(inside.add(1, ordering: .relaxed).newValue == 1)
            total.add(1, ordering: .relaxed)
            inside.subtract(1, ordering: .relaxed)
          }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(total.load(ordering: .relaxed) == 16_000)
  }

  /// A thread that takes turn after turn lets the other have one after each.
  @Test func whoWaitsIsNext() {
    let turns = Turns()
    let taken = Mutex<[String]>([])
    let isOver = Atomic<Bool>(false)
    let hasStarted = Atomic<Bool>(false)
    let greedy = BlockingThread(name: "greedy") {
      while !isOver.load(ordering: .relaxed) {
        turns.take {
          hasStarted.store(true, ordering: .relaxed)
          taken.withLock { $0.append("greedy") }
          for _ in 0..<20_000 where isOver.load(ordering: .relaxed) { break }
        }
      }
    }
    while !hasStarted.load(ordering: .relaxed) {}
    for _ in 0..<50 { turns.take { taken.withLock { $0.append("other") } } }
    isOver.store(true, ordering: .relaxed)
    greedy.join()
    let between = taken.withLock { $0 }.split(separator: "other", omittingEmptySubsequences: false)
    // Between two turns of the other: the one in which it came back, and one more at most.
    let most = between.dropFirst().dropLast().map(\.count).sorted()
    #expect((most.dropLast(2).last ?? 0) <= 3)
  }

  @Test func aFailureEndsTheTurn() {
    struct Failure: Error {}
    let turns = Turns()
    #expect(throws: Failure.self) { try turns.take { throw Failure() } }
    #expect(turns.take { 7 } == 7)
  }
}
