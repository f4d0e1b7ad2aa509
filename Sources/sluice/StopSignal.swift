import Glibc
import Synchronization

/// SIGINT and SIGTERM as a question that long work asks between two steps. A second signal ends the
/// program at once.
enum StopSignal {
  private static let wasRaised = Atomic<Bool>(false)

  /// Lets the signals through that whoever started the program had blocked on its own thread, as
  /// thread pools do: it could not be ended otherwise. To be called before there are threads.
  static func unblock() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&signals, number) }
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

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
