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

  private func checkCollector(_ report: (String) -> Void) async throws(StartFailure) {
    guard let traces = settings.telemetry.traces else { return }
    let logger = Logger(label: "sluice.check")
    try await TraceService(traces, environment: environment, logger: logger).check()
    report("traces: \(traces.url) takes spans")
  }
}
