internal import Basics
package import Hosting
package import LabelStore
package import LanguageModel
internal import Logging
internal import ServiceLifecycle
package import Settings
internal import Systemd
internal import Telemetry

/// `sluice label`: the labelling service with everything around it.
package struct LabelApplication: Sendable {
  private let settings: Settings
  private let label: LabelSettings
  private let environment: [String: String]
  private let logger: Logger

  /// An application that has done nothing yet but set up logging.
  ///
  /// - Throws: `StartFailure.configuration` when the settings have no section for it.
  package init(settings: Settings, environment: [String: String]) throws(StartFailure) {
    guard let label = settings.label else {
      throw .configuration("label: the section is missing")
    }
    self.settings = settings
    self.label = label
    self.environment = environment
    ServiceHost.bootstrapLogs(settings.telemetry)
    logger = Logger(label: "sluice.label")
  }

  /// Labels until SIGTERM or SIGINT.
  ///
  /// - Throws: `StartFailure` before the first record is read, `LabelFailure` after.
  package func run() async throws {
    let notifier = ServiceNotifier(environment: environment)
    // What only a person can mend comes before what may pass.
    _ = try KafkaClients(settings: settings, environment: environment)
    notifier.status("opening the label store")
    let store = try Self.store(label)
    notifier.status("asking the teacher's server")
    let teacher = try await Self.teacher(label, store)
    notifier.status("joining the group")
    let daemon = try LabelDaemon(
      settings: settings, label: label, environment: environment, store: store,
      teacher: teacher, logger: logger)
    let stallSeconds = settings.watchdogStallSeconds
    var services: [any Service] = [
      BlockingService(name: "label", body: { daemon.run() }) {
        notifier.stopping()
        daemon.stop()
      },
      LifeSigns(
        notifier: notifier, readyStatus: { "labelling with \(teacher.identity.model)" },
        logger: logger,
        questions: LifeSigns.Questions(
          isReady: { daemon.progress.wasAssigned },
          isStalled: { daemon.progress.isStalled(now: Instant.now, afterSeconds: stallSeconds) },
          details: { ["partitions": "\(daemon.snapshot.assigned)"] })),
    ]
    if let listen = label.listen {
      let pages = StatusServer.Pages(
        isLive: { !daemon.progress.isStalled(now: Instant.now, afterSeconds: stallSeconds) },
        isReady: {
          daemon.progress.isReady(now: Instant.now, stallSeconds: stallSeconds)
            && daemon.ownership.orphans.isEmpty
        },
        metrics: { daemon.metrics() })
      services.append(StatusService(listen: listen, pages: pages))
    }
    let ownership = daemon.ownership
    services.append(
      BlockingService(worker: "ownership", run: ownership.run, stop: ownership.stop))
    try await ServiceHost.run(services)
  }

  /// Whatever only the files, the brokers and the teacher's server can tell; each finding in words.
  ///
  /// - Throws: `StartFailure` at the first step that fails.
  package static func check(
    _ settings: Settings, _ label: LabelSettings, environment: [String: String],
    report: (String) -> Void
  ) async throws {
    let teacher = try await teacher(label, spending: [])
    report("teacher \(teacher.identity.model): its labels are single tokens")
    let clients = try KafkaClients(
      settings: settings.forLabelling(label), environment: environment,
      events: ServiceHost.kafkaEvents(Logger(label: "sluice.check")))
    let counts = try clients.partitionCounts(of: [label.topic])
    report("topic \(label.topic): \(counts[label.topic] ?? 0) partitions")
  }

  private static func store(_ label: LabelSettings) throws(StartFailure) -> LabelStore {
    try inStore { () throws(LabelStoreError) in
      try LabelStore(
        path: label.store,
        shares: SplitShares(validation: label.validationShare, test: label.testShare))
    }
  }

  /// The teacher, with what the last hour's requests leave of its limit.
  package static func teacher(
    _ label: LabelSettings, _ store: LabelStore
  ) async throws(StartFailure) -> any Teacher {
    let spending = try inStore { () throws(LabelStoreError) in
      try store.spending(
        limit: label.teacher.server.requestsPerHour ?? 0,
        wallMilliseconds: WallClock.milliseconds())
    }
    let teacher = try await teacher(label, spending: spending)
    // At once: a service that fails to start again and again asks each time.
    try inStore { () throws(LabelStoreError) in try store.keep(teacher.statement.spending) }
    return teacher
  }

  private static func teacher(
    _ label: LabelSettings, spending: [HourlyBudget.Spending]
  ) async throws(StartFailure) -> any Teacher {
    do throws(TeacherError) {
      return try await LogProbabilityTeacher.connect(label.teacher, spending: spending)
    } catch {
      if error.isPassing { throw .unavailable("teacher: \(error)") }
      throw .configuration("teacher: \(error)")
    }
  }

  private static func inStore<Value>(
    _ body: () throws(LabelStoreError) -> Value
  ) throws(StartFailure) -> Value {
    do throws(LabelStoreError) {
      return try body()
    } catch {
      throw .model(error.description)
    }
  }
}
