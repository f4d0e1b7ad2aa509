internal import Basics
package import Logging
internal import Synchronization
package import Transport

/// Tells the log of what fails again and again: each cause once a minute, with how often it came
/// meanwhile.
package final class FailureLog: Sendable {
  private let message: Logger.Message
  private let logger: Logger
  private let admitted = Mutex(OncePerMinute())

  /// - Parameter message: what failed.
  package init(_ message: Logger.Message, logger: Logger) {
    self.message = message
    self.logger = logger
  }

  package func note(_ cause: any TransportCause) { note(cause.name, detail: "\(cause)") }

  /// - Parameters:
  ///   - cause: a text that does not vary with circumstances.
  ///   - detail: what does; nil for none.
  package func note(_ cause: String, detail: String? = nil) {
    guard let withheld = admitted.withLock({ $0.admit(cause, now: .now) }) else { return }
    var metadata: Logger.Metadata = ["cause": "\(cause)", "withheld": "\(withheld)"]
    if let detail { metadata["detail"] = "\(detail)" }
    logger.warning(message, metadata: metadata)
  }
}
