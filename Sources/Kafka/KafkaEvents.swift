/// How grave a line of librdkafka's log is, as syslog counts.
package enum KafkaLogLevel: Int32, Hashable, Sendable, CaseIterable {
  case emergency, alert, critical, error, warning, notice, info, debug
}

/// What a client tells beside the results of calls.
///
/// The log handler is called on librdkafka's own threads, the others on the thread that polls. They
/// must not block and must not call the client.
package struct KafkaEvents: Sendable {
  /// Level, facility such as `FAIL` or `CONNECT`, and one line of text.
  package var log: @Sendable (KafkaLogLevel, String, String) -> Void
  /// Errors that no call returns: lost brokers, topics that are missing for now.
  package var error: @Sendable (KafkaError) -> Void
  /// A JSON document each `statistics.interval.ms`; nil spares the library the work.
  package var statistics: (@Sendable (String) -> Void)?
  /// A fresh producer takes the place of one that is not trusted any more. Called on the thread
  /// that publishes.
  package var doubt: @Sendable (TransactionDoubt) -> Void

  package init(
    log: @escaping @Sendable (KafkaLogLevel, String, String) -> Void = { _, _, _ in },
    error: @escaping @Sendable (KafkaError) -> Void = { _ in },
    statistics: (@Sendable (String) -> Void)? = nil,
    doubt: @escaping @Sendable (TransactionDoubt) -> Void = { _ in }
  ) {
    self.log = log
    self.error = error
    self.statistics = statistics
    self.doubt = doubt
  }
}
