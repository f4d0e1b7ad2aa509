internal import Threading

/// Runs what blocks on threads of its own: Swift's shared ones are as few as the cores, and a test
/// that waits on one of them can keep the task from running for which it waits.
package func onThreadOfItsOwn<Value>(_ body: () async throws -> Value) async rethrows -> Value {
  try await withTaskExecutorPreference(ThreadPerJob(), operation: body)
}

private final class ThreadPerJob: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let executor = unsafe asUnownedTaskExecutor()
    _ = BlockingThread(name: "blocking test") { unsafe job.runSynchronously(on: executor) }
  }
}
