internal import CKernels
import Foundation
import Synchronization
import Threading

/// Persistent threads that share the iterations of a loop; the calling thread works with them.
package final class WorkerPool: Sendable {
  /// Threads that take part in a loop, the caller's included.
  package let workers: Int
  private let exchange = Exchange()
  private let threads: [BlockingThread]
  private let turn = Mutex<Void>(())

  /// A pool of `workers` threads, the caller's included; 0 takes every processor it may run on.
  package init(workers: Int = 0) {
    precondition(workers >= 0, "a pool has no negative size")
    let total = workers == 0 ? Processors.count : workers
    self.workers = total
    threads = (1..<max(1, total)).map { [exchange] worker in
      BlockingThread(name: "engine-\(worker)") { exchange.serve(as: worker) }
    }
    prepareMatrixProducts()
  }

  deinit {
    exchange.state.update { $0.isClosed = true }
    for thread in threads { thread.join() }
  }

  /// Runs `body(iteration, worker)` for each iteration, in no particular order, and returns when
  /// all are done. `worker`, below `workers`, tells concurrent calls apart, for scratch memory.
  ///
  /// Loops of several callers take turns. A body must not start another loop on the same pool.
  package func parallelFor(_ iterations: Int, _ body: @Sendable (Int, Int) -> Void) {
    guard workers > 1 && iterations > 1 else {
      for iteration in 0..<iterations { body(iteration, 0) }
      return
    }
    turn.withLock { _ in
      withoutActuallyEscaping(body) { body in
        exchange.run(Loop(iterations: iterations, body: body), otherWorkers: workers - 1)
      }
    }
  }
}

private struct Loop: Sendable {
  let iterations: Int
  let body: @Sendable (Int, Int) -> Void
}

/// Where the caller leaves a loop and the other workers take it up.
private final class Exchange: Sendable {
  struct State {
    var loop: Loop?
    var round = 0
    var stillRunning = 0
    var isClosed = false
  }

  let state = Monitor(State())
  private let next = Atomic<Int>(0)
  /// The state's `round` and `stillRunning`, for a look without the lock.
  private let round = Atomic<Int>(0)
  private let stillRunning = Atomic<Int>(0)

  /// Looks before a thread sleeps, some microseconds in all: the next loop, or the last worker's
  /// end, is mostly nearer than sleeping and waking.
  private static let looks = 200

  private func look(until isOver: () -> Bool) {
    for _ in 0..<Self.looks {
      if isOver() { return }
      kernel_pause()
    }
  }

  func run(_ loop: Loop, otherWorkers: Int) {
    next.store(0, ordering: .relaxed)
    state.update {
      $0.loop = loop
      $0.round += 1
      $0.stillRunning = otherWorkers
      stillRunning.store(otherWorkers, ordering: .relaxed)
      round.store($0.round, ordering: .releasing)
    }
    takeIterations(as: 0)
    look { stillRunning.load(ordering: .acquiring) == 0 }
    state.wait { state -> Monitor<State>.WaitStep<Void> in
      guard state.stillRunning == 0 else { return .sleep(atMost: nil) }
      state.loop = nil
      return .done(())
    }
  }

  func serve(as worker: Int) {
    var lastRound = 0
    while true {
      look { round.load(ordering: .acquiring) != lastRound }
      let isOpen: Bool = state.wait {
        if $0.isClosed { return .done(false) }
        guard $0.round != lastRound, $0.loop != nil else { return .sleep(atMost: nil) }
        lastRound = $0.round
        return .done(true)
      }
      guard isOpen else { return }
      takeIterations(as: worker)
      state.update {
        $0.stillRunning -= 1
        stillRunning.store($0.stillRunning, ordering: .releasing)
      }
    }
  }

  /// Works on the current loop until no iteration is left. Never inlined: on return it must have
  /// let go of the body, which does not outlive the caller of `parallelFor`.
  @inline(never) private func takeIterations(as worker: Int) {
    guard let loop = state.withLock({ $0.loop }) else { return }
    while true {
      let iteration = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard iteration < loop.iterations else { return }
      loop.body(iteration, worker)
    }
  }
}
