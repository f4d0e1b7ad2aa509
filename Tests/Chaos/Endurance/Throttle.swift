import Glibc
import TestSupport
import Threading

/// Lets a process run for a share of the time only, as a processor does that is so much slower:
/// it is held still for the rest of every tenth of a second.
final class Throttle: Sendable {
  private static let period = 0.1

  /// The share of the time; nil once it is over.
  private let share: Monitor<Double?>
  private let thread = Monitor<BlockingThread?>(nil)

  /// Begins at once.
  ///
  /// - Parameter process: outlives this.
  init(_ process: Int32, share: Double) {
    self.share = Monitor(share)
    thread.update { [share = self.share] in
      $0 = BlockingThread(name: "throttle") {
        while let share = share.withLock({ $0 }) {
          kill(process, SIGSTOP)
          Self.rest(Self.period * (1 - share))
          kill(process, SIGCONT)
          Self.rest(Self.period * share)
        }
      }
    }
  }

  /// Lets it run so many times as long.
  func scale(by factor: Double) {
    share.update { share in share = share.map { min(max($0 * factor, 0.002), 1) } }
  }

  /// Lets it run all the time again.
  func stop() {
    share.update { $0 = nil }
    thread.withLock { $0 }?.join()
  }

  private static func rest(_ seconds: Double) {
    usleep(UInt32(seconds * 1e6))  // sleeps: it measures out another process' time
  }
}
