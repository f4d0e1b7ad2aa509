import ArgumentParser
import FilterService
import Foundation
import Guard
import Hosting
import Kafka
import Logging
import Settings
import Threading

/// The model that judges, and how many batches it has at once.
struct StreamJudge {
  let model: any StreamModel
  let batchesInFlightMax: Int

  init(model: any StreamModel, batchesInFlightMax: Int) {
    self.model = model
    self.batchesInFlightMax = batchesInFlightMax
  }

  /// The model in a folder, placed as the command line says.
  init(_ folder: String, device: String, precision: String) throws {
    guard let place = EngineSettings.Device(device),
      let precision = EngineSettings.Precision(rawValue: precision)
    else { throw ValidationError("--device or --precision: see --help") }
    let inference = try InferenceDevice(
      settings: EngineSettings(device: place, precision: precision),
      environment: ProcessInfo.processInfo.environment)
    let loaded = try ModelLoader(settings: ModelSettings(path: folder), device: inference).load()
    print("\(loaded.model) on \(loaded.device)")
    self.init(model: loaded, batchesInFlightMax: inference.batchesInFlightMax)
  }
}

/// The daemon's own parts on a broker, until `stop`.
struct RunningStream {
  let daemon: FilterDaemon
  private let thread: BlockingThread

  /// - Parameters:
  ///   - batch: the settings' section, as YAML.
  ///   - kafka: more of that section, as YAML, from its comma.
  init(
    _ brokers: String, input: String, group: String, judge: StreamJudge, batch: String,
    kafka: String = ""
  ) throws {
    let yaml = """
      kafka: {bootstrap_servers: "\(brokers)", group_id: \(group)\(kafka)}
      topics: {input: \(input), verdicts: bench.verdicts, dead_letters: bench.dead-letters}
      model: {path: none}
      telemetry: {listen: none}
      batch: \(batch)
      """
    let settings = try Settings(yaml: yaml, file: "bench")
    let clients = try KafkaClients(settings: settings, environment: [:], events: KafkaEvents())
    let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
    let daemon = try FilterDaemon(
      settings: settings, guard: LiveModel(judge.model), clients: clients, logger: logger,
      batchesInFlightMax: judge.batchesInFlightMax)
    self.daemon = daemon
    thread = BlockingThread(name: "stream") { _ = daemon.run() }
  }

  func stop() {
    daemon.stop()
    thread.join()
  }
}
