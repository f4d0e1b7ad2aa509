package import Kafka
package import Logging
package import ServiceLifecycle
package import Settings
internal import Systemd
internal import Telemetry

/// What every service of this program needs around it: logs, signals, and orderly shutdown.
package enum ServiceHost {
  /// Sets logging up as the settings ask; once in a process.
  package static func bootstrapLogs(_ settings: TelemetrySettings) {
    Telemetry.bootstrapLogs(
      level: Logger.Level(rawValue: settings.logLevel.rawValue) ?? .info,
      format: LogFormat(rawValue: settings.logFormat.rawValue) ?? .text)
  }

  /// Runs services until SIGTERM or SIGINT, or until one of them ends; then all shut down. A second
  /// signal ends the process at once.
  ///
  /// - Throws: what the service threw that ended first.
  package static func run(_ services: [any Service]) async throws {
    let logger = Logger(label: "sluice.services")
    SecondSignal.watch(logger)
    let configuration = ServiceGroupConfiguration(
      services: services.map {
        .init(
          service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
          failureTerminationBehavior: .gracefullyShutdownGroup)
      },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    try await ServiceGroup(configuration: configuration).run()
  }

  /// Passes librdkafka's own words on to the log.
  package static func kafkaEvents(_ logger: Logger) -> KafkaEvents {
    KafkaEvents(
      log: { level, facility, message in
        logger.log(
          level: level.rawValue <= 3 ? .error : level.rawValue <= 5 ? .warning : .debug, "kafka",
          metadata: ["facility": "\(facility)", "detail": "\(message)"])
      },
      error: { logger.warning("kafka", metadata: ["detail": "\($0)"]) },
      doubt: { doubt in
        logger.warning(
          "a transaction left doubt, a fresh producer takes over",
          metadata: ["cause": "\(doubt.cause.rawValue)", "detail": "\(doubt.detail)"])
      })
  }
}
