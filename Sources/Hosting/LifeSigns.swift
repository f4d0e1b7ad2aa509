package import Logging
internal import ServiceLifecycle
package import Systemd

/// Says when a service is ready, and goes on saying that it is alive while it makes progress.
package struct LifeSigns: Service {
  private let notifier: ServiceNotifier
  private let readyStatus: @Sendable () -> String
  private let logger: Logger
  private let questions: Questions

  /// What the signs depend on, asked several times a second.
  package struct Questions: Sendable {
    let isReady: @Sendable () -> Bool
    let isStalled: @Sendable () -> Bool
    let details: @Sendable () -> Logger.Metadata

    /// - Parameter details: what the log shows beside "ready" and "stalled".
    package init(
      isReady: @escaping @Sendable () -> Bool, isStalled: @escaping @Sendable () -> Bool,
      details: @escaping @Sendable () -> Logger.Metadata
    ) {
      self.isReady = isReady
      self.isStalled = isStalled
      self.details = details
    }
  }

  /// - Parameter readyStatus: the line for `systemctl status` once the service is ready.
  package init(
    notifier: ServiceNotifier, readyStatus: @escaping @Sendable () -> String, logger: Logger,
    questions: Questions
  ) {
    self.notifier = notifier
    self.readyStatus = readyStatus
    self.logger = logger
    self.questions = questions
  }

  package func run() async throws {
    var isReady = false
    var nextSign = ContinuousClock.now
    let interval = notifier.watchdogInterval.map { $0 / 3 } ?? .seconds(10)
    let ticks = AsyncTicks(interval: .milliseconds(100)).cancelOnGracefulShutdown()
    for try await _ in ticks {
      if !isReady, questions.isReady() {
        isReady = true
        let text = readyStatus()
        notifier.ready(status: text)
        let status: Logger.Metadata = ["status": "\(text)"]
        logger.info("ready", metadata: status.merging(questions.details()) { own, _ in own })
      }
      guard ContinuousClock.now >= nextSign else { continue }
      nextSign = ContinuousClock.now + interval
      if questions.isStalled() {
        logger.error("stalled", metadata: questions.details())
      } else {
        notifier.alive()
      }
    }
  }
}

/// A sequence with an element each interval, for ever.
private struct AsyncTicks: AsyncSequence, AsyncIteratorProtocol, Sendable {
  typealias Element = Void
  let interval: Duration

  func makeAsyncIterator() -> Self { self }

  mutating func next() async throws -> Void? {
    try await Task.sleep(for: interval)
    return ()
  }
}
