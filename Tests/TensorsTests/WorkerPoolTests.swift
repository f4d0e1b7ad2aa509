import Synchronization
import Tensors
import Testing
import Threading

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 5], [0, 1, 2, 3, 1000])
  func eachIterationRunsOnce(workers: Int, iterations: Int) {
    let pool = WorkerPool(workers: workers)
    for _ in 0..<20 {
      let seen = Mutex([Int](repeating: 0, count: iterations))
      pool.parallelFor(iterations) { iteration, worker in
        precondition(worker < workers)
        seen.withLock { $0[iteration] += 1 }
      }
      #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test func callersOnSeveralThreadsTakeTurns() {
    let pool = WorkerPool(workers: 3)
    let total = Atomic<Int>(0)
    let threads = (0..<4).map { caller in
      BlockingThread(name: "caller-\(caller)") {
        for _ in 0..<200 {
          pool.parallelFor(10) { _, _ in total.wrappingAdd(1, ordering: .relaxed) }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(total.load(ordering: .relaxed) == 8000)
  }

  @Test func aPoolTakesEveryProcessorByDefault() {
    #expect(WorkerPool().workers >= 1)
  }
}
