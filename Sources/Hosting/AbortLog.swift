internal import Basics
package import Logging
internal import Synchronization
package import Transport

/// Tells the log why publications failed: each cause once a minute, with how often it came
/// meanwhile.
package final class AbortLog: Sendable {
  private let logger: Logger
  private let admitted = Mutex(OncePerMinute())

  package init(logger: Logger) { self.logger = logger }

  package func note(_ cause: any TransportCause) {
    let now = Instant.now
    guard let withheld = admitted.withLock({ $0.admit(cause.name, now: now) }) else { return }
    logger.warning(
      "a publication failed",
      metadata: ["cause": "\(cause.name)", "detail": "\(cause)", "withheld": "\(withheld)"])
  }
}
