internal import FilterService
package import Foundation
internal import Guard
internal import Hosting
internal import Kafka
internal import Logging
internal import Records
internal import Settings
internal import Telemetry
internal import Tensors
internal import Threading

/// `sluice demo`: the real daemon on an embedded broker and a bundled model, with nothing to
/// install or configure.
package struct Demonstration {
  private static let input = "chat.exchanges"
  private static let verdicts = "chat.verdicts"
  private static let deadLetters = "chat.dead-letters"
  private static let quarantine = "chat.quarantine"
  private static let partitionCount = 4

  /// How long all of it may take before it counts as failed.
  private let timeLimit: Duration
  private let show: (String) -> Void

  package init(timeLimit: Duration = .seconds(300), show: @escaping (String) -> Void) {
    self.timeLimit = timeLimit
    self.show = show
  }

  /// Runs the demo and shows its report; false when any record came out other than exactly once.
  package func run() throws -> Bool {
    let cluster = try MockCluster()
    for topic in [Self.input, Self.verdicts, Self.deadLetters, Self.quarantine] {
      try cluster.createTopic(topic, partitions: Self.partitionCount)
    }
    let settings = try settings(brokers: cluster.bootstrapServers)
    show("broker      embedded, at \(cluster.bootstrapServers)")
    let model = try GuardModel(settings: settings.model, pool: WorkerPool())
    try model.warmUp()
    show("model       \(model.model), bundled; see its README.md for what it can and cannot do")
    let sent = try send(to: cluster)
    show("input       \(sent.records.count) records on \(Self.input)\n")

    let clients = try KafkaClients(settings: settings, environment: [:], events: KafkaEvents())
    let logger = Logger(label: "sluice.demo") { _ in SwiftLogNoOpLogHandler() }
    let daemon = try FilterDaemon(
      settings: settings, guard: LiveModel(model), clients: clients, logger: logger)
    let stream = BlockingThread(name: "stream") { _ = daemon.run() }
    let outputs = try receive(sent.records.count, from: clients)
    daemon.stop()
    stream.join()

    let report = DemoReport(
      sent: sent, outputs: outputs, snapshot: daemon.snapshot,
      topics: (Self.verdicts, Self.deadLetters))
    report.show(show)
    return report.isExactlyOnce
  }

  private func settings(brokers: String) throws -> Settings {
    let yaml = """
      kafka: {bootstrap_servers: "\(brokers)", group_id: sluice-demo, transactional_id: sluice-demo}
      topics:
        input: \(Self.input)
        verdicts: \(Self.verdicts)
        dead_letters: \(Self.deadLetters)
        quarantine: \(Self.quarantine)
      policies: {default: {threshold: 0.5}, careful: {threshold: 0.3}}
      tenants: {kindergarten: careful}
      telemetry: {listen: none}
      """
    return try Settings(yaml: yaml, file: "demo")
  }

  /// The bundled exchanges, one JSON object a line.
  ///
  /// - Throws: `StartFailure.configuration` where they are missing beside the program.
  package static func texts() throws -> Data {
    guard let url = Bundle.module.url(forResource: "demo", withExtension: "jsonl") else {
      throw StartFailure.configuration("the bundled texts are missing beside the program")
    }
    return try Data(contentsOf: url)
  }

  private func send(to cluster: MockCluster) throws -> DemoRecords {
    let records = try DemoRecords(
      texts: try Self.texts(), topic: Self.input, partitionCount: Self.partitionCount)
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
    try producer.send(records.records, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
    return records
  }

  /// Reads verdicts and dead letters until all are there, or the time is up.
  private func receive(_ count: Int, from clients: KafkaClients) throws -> [InputRecord] {
    let reader = try clients.makeReader(of: [Self.verdicts, Self.deadLetters])
    let deadline = ContinuousClock.now + timeLimit
    var outputs: [InputRecord] = []
    while outputs.count < count, ContinuousClock.now < deadline {
      try reader.poll(into: &outputs, max: 1000, timeout: .milliseconds(100)) { _ in }
    }
    // Whatever comes too often comes now.
    try reader.poll(into: &outputs, max: 1000, timeout: .milliseconds(500)) { _ in }
    _ = try reader.close(timeout: .seconds(5)) { _ in }
    return outputs
  }
}
