internal import Guard
internal import Hosting
internal import Logging
internal import ServiceLifecycle
internal import Settings
internal import Systemd
internal import Tensors
internal import Threading
internal import UnixSignals

extension ModelReplacement {
  /// Replaces the model that the settings name, telling the log and the service manager.
  convenience init(
    of live: LiveModel, from folder: String?, settings: ModelSettings, loader: ModelLoader,
    events: ModelEvents
  ) {
    self.init(
      of: live, from: folder, target: { loader.target },
      load: { (folder) throws(GuardModelFailure) in
        let loadingPool = WorkerPool(workers: max(1, Processors.count / 4))
        let model = try loader.load(folder: folder, loadingPool: loadingPool)
        events.logger.tellRefusals(of: model)
        return model
      },
      pollInterval: settings.pollSeconds == 0 ? nil : .seconds(settings.pollSeconds),
      report: { events.tell($0) })
  }
}

extension ShadowScorer {
  /// The challenger that the settings name, on the device of the model that judges, or on threads
  /// of its own. With `topics.disagreements`, exchanges on which it disagrees are copied there.
  convenience init(
    _ shadow: ShadowSettings, in settings: Settings, on device: InferenceDevice,
    clients: KafkaClients, logger: Logger
  ) throws(StartFailure) {
    var publisher: DisagreementPublisher?
    if let topic = settings.disagreementsTopic {
      publisher = try DisagreementPublisher(clients: clients, topic: topic)
    }
    let disagreements = publisher
    let loader = ModelLoader(
      settings: settings.challenger(shadow),
      device: device.with(pool: WorkerPool(workers: shadow.threads)))
    self.init(
      settings: shadow, conversations: settings.wire.conversations,
      target: { loader.target },
      load: { (folder) throws(GuardModelFailure) in
        let model = try loader.load(folder: folder)
        logger.tellRefusals(of: model)
        return model
      },
      pollInterval: settings.model.pollSeconds == 0 ? nil : .seconds(settings.model.pollSeconds),
      report: { event in
        switch event {
        case .loading, .unchanged: break
        case .replaced(_, let new, let seconds):
          logger.info(
            "shadow model loaded", metadata: ["model": "\(new)", "seconds": "\(seconds)"])
        case .refused(let reason, _):
          logger.error("shadow model refused", metadata: ["reason": "\(reason)"])
        }
      }, publish: { disagreements?.publish($0) ?? 0 })
  }
}

extension Settings {
  /// How the challenger is loaded: as the model that judges, under its own name.
  func challenger(_ shadow: ShadowSettings) -> ModelSettings {
    var challenger = model
    challenger.path = shadow.path
    challenger.name = nil
    return challenger
  }
}

/// Tells log and service manager what becomes of models.
struct ModelEvents: Sendable {
  let notifier: ServiceNotifier
  /// Whether the service manager has been told that the daemon is ready.
  let isReady: @Sendable () -> Bool
  let logger: Logger

  func tell(_ event: ModelReplacement.Event) {
    switch event {
    case .loading(let isReload):
      if isReload, isReady() {
        notifier.reloading()
      } else {
        notifier.status("loading a model")
      }
    case .replaced(let old, let new, let seconds):
      logger.info(
        "model replaced",
        metadata: ["old": "\(old)", "model": "\(new)", "seconds": "\(seconds)"])
      end(status: "judging with \(new)")
    case .unchanged(let model):
      logger.info("model unchanged", metadata: ["model": "\(model)"])
      end(status: "judging with \(model)")
    case .refused(let reason, let staying):
      logger.error(
        "model refused", metadata: ["reason": "\(reason)", "staying": "\(staying)"])
      end(status: "judging with \(staying); a new model was refused: \(reason)")
    }
  }

  private func end(status: String) {
    if isReady() { notifier.ready(status: status) } else { notifier.status(status) }
  }
}

extension Logger {
  /// Says what kept a model off the GPU, and from a faster precision.
  func tellRefusals(of model: GuardModel) {
    for refusal in model.deviceRefusals {
      warning("the GPU was refused", metadata: ["reason": "\(refusal)", "model": "\(model.model)"])
    }
    for reason in model.slowerBecause {
      info(
        "a faster precision was not taken",
        metadata: ["reason": "\(reason)", "model": "\(model.model)"])
    }
  }
}

/// Turns SIGHUP into reloads of the model.
struct ReloadSignals: Service {
  let signals: UnixSignalsSequence
  let reload: @Sendable () -> Void

  func run() async throws {
    for await _ in signals.cancelOnGracefulShutdown() { reload() }
  }
}
