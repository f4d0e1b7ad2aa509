import Testing
import Threading

/// Runs each test of a suite on a thread of its own.
///
/// Kafka's calls block; on the few threads of Swift's pool the tests would wait for each other.
struct OwnThreadTrait: SuiteTrait, TestTrait, TestScoping {
  let isRecursive = true

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(ThreadPerJobExecutor()) { try await function() }
  }
}

extension Trait where Self == OwnThreadTrait {
  static var ownThread: Self { OwnThreadTrait() }
}

private final class ThreadPerJobExecutor: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    _ = BlockingThread(name: "test") {
      unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
    }
  }
}
