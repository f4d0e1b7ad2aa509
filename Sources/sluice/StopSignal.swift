import Glibc
import Synchronization

/// SIGINT and SIGTERM as a question that long work asks between two steps. A second signal ends the
/// program at once.
enum StopSignal {
  private static let wasRaised = Atomic<Bool>(false)

  /// From now on signals are noted instead of ending the program.
  static func listen() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        StopSignal.wasRaised.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
    }
  }

  static var isRaised: Bool { wasRaised.load(ordering: .relaxed) }
}
