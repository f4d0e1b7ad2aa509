import Glibc
internal import Synchronization

/// How the process ends when threads of a library's are stuck.
package enum ProcessEnd {
  private static let isArranged = Atomic(false)

  /// From now on `exit` writes what is buffered and ends at once, with its status: other handlers
  /// would free what a thread that is left behind still uses.
  package static func leavesThreadsAlone() {
    guard !isArranged.exchange(true, ordering: .relaxed) else { return }
    // The handler that was registered last is the first to run.
    unsafe on_exit(
      { status, _ in
        fflush(nil)
        _exit(status)
      }, nil)
  }
}
