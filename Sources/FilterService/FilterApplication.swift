internal import Basics
internal import Foundation
internal import Guard
internal import Hosting
internal import Logging
internal import ServiceLifecycle
package import Settings
internal import StrictJSON
internal import Systemd
internal import Telemetry
internal import UnixSignals

/// `sluice serve`: the daemon with everything around it.
package struct FilterApplication: Sendable {
  private let settings: Settings
  private let file: String
  private let environment: [String: String]
  private let logger: Logger

  /// An application that has done nothing yet but set up logging.
  ///
  /// - Parameter file: where the settings were read, and are read again when they are to be.
  package init(settings: Settings, file: String, environment: [String: String]) {
    self.settings = settings
    self.file = file
    self.environment = environment
    ServiceHost.bootstrapLogs(settings.telemetry)
    logger = Logger(label: "sluice")
  }

  /// Serves until SIGTERM or SIGINT; SIGHUP reads policies and loads the model anew.
  ///
  /// - Throws: `GuardModelFailure` or `StartFailure` before the first record is read,
  ///   `StreamFailure` after.
  package func run() async throws {
    let reloads = await UnixSignalsSequence(trapping: .sighup)
    let notifier = ServiceNotifier(environment: environment)
    let clients = try KafkaClients(
      settings: settings, environment: environment, events: ServiceHost.kafkaEvents(logger))
    notifier.status("loading the model")
    let device = try InferenceDevice(settings: settings.engine, environment: environment) {
      [logger] in logger.warning("the GPU could be faster", metadata: ["reason": "\($0)"])
    }
    if let reason = device.fallbackReason {
      logger.notice("no GPU is used", metadata: ["reason": "\(reason)"])
    }
    let policies = LivePolicies(settings.policies)
    let modelSettings = LiveModelSettings(settings.model)
    let loader = ModelLoader(
      live: modelSettings, device: device, policies: policies,
      cache: ReadingCache(entriesMax: settings.cache.entriesMax))
    let folder = loader.target
    let model = try firstModel(loader, folder: folder ?? settings.model.path)
    notifier.status("joining the group")
    var shadow: ShadowScorer?
    if let challenger = settings.shadow {
      shadow = try ShadowScorer(
        challenger, in: settings, on: device, clients: clients, logger: logger)
    }
    let traces = try settings.telemetry.traces.map { traces throws(StartFailure) in
      try TraceService(traces, environment: environment, logger: logger)
    }
    let daemon = try FilterDaemon(
      settings: settings, guard: model, policies: policies, shadow: shadow,
      tracer: traces?.tracer, clients: clients, logger: logger,
      batchesInFlightMax: device.batchesInFlightMax)
    let replacement = ModelReplacement(
      of: model, from: folder, settings: settings.model, loader: loader,
      events: ModelEvents(
        notifier: notifier, isReady: { daemon.progress.wasAssigned }, logger: logger))
    let settingsReload = SettingsReload(
      file: file, started: settings, daemon: daemon, policies: policies, model: modelSettings,
      replacement: replacement, logger: logger)
    let pages = pages(of: daemon, settingsReload, traces) { loader.target }
    // What comes first ends last.
    var services: [any Service] = traces.map { [$0] } ?? []
    services += try streamServices(daemon, notifier, pages) {
      "judging with \(model.current.model)"
    }
    services.append(BlockingService(worker: "model", run: replacement.run, stop: replacement.stop))
    let ownership = daemon.ownership
    services.append(BlockingService(worker: "ownership", run: ownership.run, stop: ownership.stop))
    services += try reloadServices(settingsReload, signals: reloads)
    if let shadow {
      services.append(BlockingService(worker: "shadow", run: shadow.run, stop: shadow.stop))
    }
    try await ServiceHost.run(services)
  }

  /// What takes up other settings: on SIGHUP, and on `sluice reload`.
  private func reloadServices(
    _ reload: SettingsReload, signals: UnixSignalsSequence
  ) throws(StartFailure) -> [any Service] {
    var services: [any Service] = [
      BlockingService(worker: "reload", run: reload.run, stop: reload.stop),
      ReloadSignals(signals: signals) { reload.request() },
    ]
    if let path = ControlSocket.path(settings.controlSocket, environment: environment) {
      services.append(
        try ControlService(path: path) { answer in
          reload.request { report in
            // Texts always encode.
            answer(!report.isRefused, (try? JSONCoder.encode(report)) ?? Data())
          }
        })
    }
    return services
  }

  /// The stream itself, and what tells the outside how it is.
  private func streamServices(
    _ daemon: FilterDaemon, _ notifier: ServiceNotifier, _ pages: StatusServer.Pages,
    status: @escaping @Sendable () -> String
  ) throws(StartFailure) -> [any Service] {
    let stallSeconds = settings.watchdogStallSeconds
    let isStalled = { @Sendable in
      daemon.progress.isStalled(now: Instant.now, afterSeconds: stallSeconds)
    }
    var services: [any Service] = [
      BlockingService(name: "stream", body: { daemon.run() }) {
        notifier.stopping()
        daemon.stop()
      },
      LifeSigns(
        notifier: notifier, readyStatus: status, logger: logger,
        questions: LifeSigns.Questions(
          isReady: { daemon.progress.wasAssigned }, isStalled: isStalled,
          details: { Self.details(daemon.snapshot) })),
    ]
    if let listen = settings.telemetry.listen {
      services.append(StatusService(listen: listen, pages: pages))
    }
    return services
  }

  /// What is served over HTTP.
  ///
  /// - Parameter modelFolder: where the model lies that judges.
  private func pages(
    of daemon: FilterDaemon, _ reload: SettingsReload, _ traces: TraceService?,
    modelFolder: @escaping @Sendable () -> String?
  ) -> StatusServer.Pages {
    let stallSeconds = settings.watchdogStallSeconds
    let health = { @Sendable in daemon.health(stallSeconds: stallSeconds) }
    return StatusServer.Pages(
      isLive: { health().live }, isReady: { health().ready },
      metrics: {
        var page = daemon.metrics()
        reload.add(to: &page)
        traces?.add(to: &page)
        return page
      },
      status: {
        // Texts and finite numbers always encode.
        let status = daemon.status(health: health(), modelFolder: modelFolder())
        return (try? JSONCoder.encode(status)) ?? Data()
      })
  }

  /// Nothing but the live model may hold its first model: this function's caller never returns.
  private func firstModel(
    _ loader: ModelLoader, folder: String
  ) throws(GuardModelFailure) -> LiveModel {
    let start = Instant.now
    let model = try loader.load(folder: folder)
    // What it was compared with, to choose its precision, is gone.
    returnFreedMemory()
    let seconds = Instant.now.seconds(since: start)
    logger.tellRefusals(of: model)
    logger.info(
      "model loaded",
      metadata: [
        "model": "\(model.model)", "device": "\(model.device)", "seconds": "\(seconds)",
        "views": "\(model.views.names.joined(separator: ","))",
      ])
    return LiveModel(model, loadSeconds: seconds)
  }

  private static func details(_ snapshot: StreamSnapshot) -> Logger.Metadata {
    [
      "partitions": "\(snapshot.assigned.count)",
      "bufferedRecords": "\(snapshot.bufferedRecords)",
    ]
  }
}
