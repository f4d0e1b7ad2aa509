package import Logging

/// How log lines look.
package enum LogFormat: String, Sendable, CaseIterable {
  case text
  case json
}

/// Sends all loggers' output to standard error in the given form.
///
/// May be called once in a process, before the first logger is made.
package func bootstrapLogs(level: Logger.Level, format: LogFormat) {
  LoggingSystem.bootstrap { label in
    switch format {
    case .text:
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    case .json:
      var handler = JSONLogHandler(label: label)
      handler.logLevel = level
      return handler
    }
  }
}
