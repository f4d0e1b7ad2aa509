internal import Glibc
internal import Logging
internal import UnixSignals

/// The way out for whoever does not want to wait: the first SIGTERM or SIGINT asks a service to end
/// in order, the second ends the process at once.
///
/// Nothing is lost by it: what is not committed is read again at the next start.
enum SecondSignal {
  /// Watches from now on, to the end of the process.
  static func watch(_ logger: Logger) {
    Task.detached {
      var isAsked = false
      for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
        if isAsked {
          logger.warning("a second signal: ending at once", metadata: ["signal": "\(signal)"])
          die(of: signal.rawValue)
        }
        isAsked = true
      }
    }
  }

  /// Ends the process as that signal does when nobody handles it.
  private static func die(of signal: Int32) {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, signal)
    Glibc.signal(signal, SIG_DFL)
    unsafe pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    raise(signal)
    _exit(128 + signal)
  }
}
