internal import Guard
package import Hosting
internal import Kafka
internal import Logging
package import Settings
internal import Tensors

/// `sluice check --connect`: what only the brokers and the model's files can tell.
package struct SettingsCheck {
  private let settings: Settings
  private let environment: [String: String]

  package init(settings: Settings, environment: [String: String]) {
    self.settings = settings
    self.environment = environment
  }

  /// Each finding in words, in the order of the steps.
  ///
  /// - Throws: `StartFailure` at the first step that fails.
  package func run(
    report: @escaping @Sendable (String) -> Void
  ) async throws(StartFailure) {
    try await checkCollector(report)
    let clients = try KafkaClients(
      settings: settings, environment: environment, events: KafkaEvents())
    report("secrets: \(settings.kafka.secrets.count) read")
    let counts = try clients.partitionCounts(of: settings.allTopics)
    for (topic, count) in counts.sorted(by: { $0.key < $1.key }) {
      report("topic \(topic): \(count) partitions")
    }
    try checkRights(clients, report)
    let device: InferenceDevice
    let model: GuardModel
    do throws(GuardModelFailure) {
      device = try InferenceDevice(
        settings: settings.engine, environment: environment, slowed: report)
      model = try ModelLoader(
        settings: settings.model, device: device, policies: LivePolicies(settings.policies)
      ).load()
    } catch {
      throw StartFailure(error)
    }
    if let reason = device.fallbackReason { report("no GPU is used: \(reason)") }
    for refusal in model.deviceRefusals { report("the GPU was refused: \(refusal)") }
    for reason in model.slowerBecause { report("not faster, in \(reason)") }
    report(
      "model \(model.model): window \(model.encoder.windowTokens) tokens, "
        + "judges \(model.views.names.joined(separator: " and ")), on \(model.device)")
    guard let shadow = settings.shadow else { return }
    do throws(GuardModelFailure) {
      let device = device.with(pool: WorkerPool(workers: shadow.threads))
      let challenger = try ModelLoader(
        settings: settings.challenger(shadow), device: device
      ).load()
      report("shadow model \(challenger.model)")
    } catch {
      throw StartFailure(error)
    }
  }

  private func checkRights(
    _ clients: KafkaClients, _ report: (String) -> Void
  ) throws(StartFailure) {
    let refused = try clients.refusedRights(
      reading: settings.inputTopics, writing: settings.writtenTopics)
    guard refused.isEmpty else {
      throw .unavailable(
        "the brokers do not let this user \(refused.map(\.description).joined(separator: ", "))")
    }
    report("rights: may read, and see the offsets of group \(settings.kafka.groupID)")
    if let name = clients.nameOfTrial {
      report("rights: may write (tried in an aborted transaction of \(name))")
    } else {
      report("rights: whether it may write is not tried without transactions")
    }
  }

  private func checkCollector(_ report: (String) -> Void) async throws(StartFailure) {
    guard let traces = settings.telemetry.traces else { return }
    let logger = Logger(label: "sluice.check")
    try await TraceService(traces, environment: environment, logger: logger).check()
    report("traces: \(traces.url) takes spans")
  }
}
