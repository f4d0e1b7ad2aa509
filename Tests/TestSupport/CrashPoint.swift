package import Files
import Synchronization

/// Counts steps and, from a chosen one on, fails every step: a process that has crashed does
/// nothing more.
package final class CrashPoint: Sendable {
  private let count = Mutex(0)
  private let last: Int

  package init(after last: Int) { self.last = last }

  package var steps: Int { count.withLock { $0 } }

  @Sendable package func afterStep() throws(FileError) {
    let number = count.withLock {
      $0 += 1
      return $0
    }
    if number >= last { throw FileError(.system, "test", "crashed") }
  }
}
