internal import Guard
internal import Kafka
internal import Logging
internal import Pipeline
internal import ServiceLifecycle
package import Settings
internal import Systemd
internal import Telemetry
internal import Tensors
internal import Threading
internal import UnixSignals

/// `sluice serve`: the daemon with everything around it.
package struct FilterApplication: Sendable {
  private let settings: Settings
  private let environment: [String: String]
  private let logger: Logger

  /// An application that has done nothing yet but set up logging.
  package init(settings: Settings, environment: [String: String]) {
    self.settings = settings
    self.environment = environment
    bootstrapLogs(
      level: Logger.Level(rawValue: settings.telemetry.logLevel.rawValue) ?? .info,
      format: LogFormat(rawValue: settings.telemetry.logFormat.rawValue) ?? .text)
    logger = Logger(label: "sluice")
  }

  /// Serves until SIGTERM or SIGINT; SIGHUP loads the model anew.
  ///
  /// - Throws: `GuardModelFailure` or `StartFailure` before the first record is read, `StreamFailure` after.
  package func run() async throws {
    let reloads = await UnixSignalsSequence(trapping: .sighup)
    let notifier = ServiceNotifier(environment: environment)
    notifier.status("loading the model")
    let loader = ModelLoader(
      settings: settings.model, pool: WorkerPool(workers: settings.engine.threads))
    let folder = loader.target
    let model = try Self.firstModel(loader, folder: folder ?? settings.model.path)
    notifier.status("joining the group")
    let clients = try KafkaClients(
      settings: settings, environment: environment, events: Self.events(logger))
    let shadow = settings.shadow.map { ShadowScorer($0, in: settings, logger: logger) }
    let daemon = try FilterDaemon(
      settings: settings, guard: model, shadow: shadow, clients: clients, logger: logger)
    let replacement = ModelReplacement(
      of: model, from: folder, settings: settings.model, loader: loader,
      events: ModelEvents(
        notifier: notifier, isReady: { daemon.snapshot.wasAssigned }, logger: logger))
    var services: [any Service] = [
      StreamService(daemon: daemon, notifier: notifier),
      LifeSigns(
        daemon: daemon, notifier: notifier, stallSeconds: settings.watchdogStallSeconds,
        readyStatus: { "judging with \(model.current.model)" }, logger: logger),
      LoopService(name: "model", loop: replacement.run, stop: replacement.stop),
      ReloadSignals(signals: reloads, reload: replacement.reload),
    ]
    if let shadow {
      services.append(LoopService(name: "shadow", loop: shadow.run, stop: shadow.stop))
    }
    if let page = try statusService(of: daemon) { services.append(page) }
    try await run(services)
  }

  private func run(_ services: [any Service]) async throws {
    let configuration = ServiceGroupConfiguration(
      services: services.map {
        .init(
          service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
          failureTerminationBehavior: .gracefullyShutdownGroup)
      },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "sluice.services"))
    try await ServiceGroup(configuration: configuration).run()
  }

  private func statusService(of daemon: FilterDaemon) throws(StartFailure) -> StatusService? {
    guard let listen = settings.telemetry.listen else { return nil }
    let stallSeconds = settings.watchdogStallSeconds
    let pages = StatusServer.Pages(
      isLive: { !daemon.snapshot.isStalled(now: now(), afterSeconds: stallSeconds) },
      isReady: { daemon.snapshot.isReady(now: now(), stallSeconds: stallSeconds) },
      metrics: { daemon.metrics() })
    return StatusService(server: try Self.server(listen, pages), listen: listen, logger: logger)
  }

  /// Nothing but the live model may hold its first model: this function's caller never returns.
  private static func firstModel(
    _ loader: ModelLoader, folder: String
  ) throws(GuardModelFailure) -> LiveModel {
    let start = now()
    let model = try loader.load(folder: folder)
    return LiveModel(model, loadSeconds: Double(now().nanoseconds(since: start)) / 1e9)
  }

  private static func server(
    _ listen: TelemetrySettings.Endpoint, _ pages: StatusServer.Pages
  ) throws(StartFailure) -> StatusServer {
    do {
      return try StatusServer(address: listen.address, port: listen.port, pages: pages)
    } catch {
      throw .configuration("telemetry.listen: \(error)")
    }
  }

  /// Passes librdkafka's own words on to the log.
  private static func events(_ logger: Logger) -> KafkaEvents {
    KafkaEvents(
      log: { level, facility, message in
        logger.log(
          level: level.rawValue <= 3 ? .error : level.rawValue <= 5 ? .warning : .debug, "kafka",
          metadata: ["facility": "\(facility)", "detail": "\(message)"])
      },
      error: { logger.warning("kafka", metadata: ["detail": "\($0)"]) })
  }
}

/// Runs the stream on a thread of its own for as long as the group lives.
private struct StreamService: Service {
  let daemon: FilterDaemon
  let notifier: ServiceNotifier

  func run() async throws {
    let failure = await withGracefulShutdownHandler {
      await withCheckedContinuation { (end: CheckedContinuation<StreamFailure?, Never>) in
        _ = BlockingThread(name: "stream") { end.resume(returning: daemon.run()) }
      }
    } onGracefulShutdown: {
      notifier.stopping()
      daemon.stop()
    }
    if let failure { throw failure }
  }
}

/// Says when the daemon is ready, and goes on saying that it is alive while it makes progress.
private struct LifeSigns: Service {
  let daemon: FilterDaemon
  let notifier: ServiceNotifier
  let stallSeconds: Int
  let readyStatus: @Sendable () -> String
  let logger: Logger

  func run() async throws {
    var isReady = false
    var nextSign = ContinuousClock.now
    let interval = notifier.watchdogInterval.map { $0 / 3 } ?? .seconds(10)
    let ticks = AsyncTicks(interval: .milliseconds(100)).cancelOnGracefulShutdown()
    for try await _ in ticks {
      let snapshot = daemon.snapshot
      if !isReady, snapshot.wasAssigned {
        isReady = true
        let status = readyStatus()
        notifier.ready(status: status)
        logger.info(
          "ready",
          metadata: [
            "status": "\(status)", "partitions": "\(snapshot.assigned.count)",
          ])
      }
      guard ContinuousClock.now >= nextSign else { continue }
      nextSign = ContinuousClock.now + interval
      if snapshot.isStalled(now: now(), afterSeconds: stallSeconds) {
        logger.error(
          "stalled", metadata: ["bufferedRecords": "\(snapshot.bufferedRecords)"])
      } else {
        notifier.alive()
      }
    }
  }
}

/// Serves health and metrics.
private struct StatusService: Service {
  let server: StatusServer
  let listen: TelemetrySettings.Endpoint
  let logger: Logger

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown { try await server.run() }
    } catch is CancellationError {
    } catch  where Task.isShuttingDownGracefully {
      // A server that is cancelled may say that its socket is gone.
    } catch {
      throw StartFailure.unavailable("\(listen.address):\(listen.port): \(error)")
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
