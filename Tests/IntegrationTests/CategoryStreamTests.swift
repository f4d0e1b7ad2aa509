import FilterService
import Guard
import Hosting
import Kafka
import Logging
import Records
import Settings
import Tensors
import TestSupport
import Testing
import Threading
import Wire

/// A daemon whose model has categories, under a policy with a rule for one of them.
@Suite(.serialized) struct CategoryStreamTests {
  private static let exchanges = 20

  @Test func verdictsAndMetricsTellCategories() throws {
    let cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead", "quarantine"] {
      try cluster.createTopic(topic, partitions: 1)
    }
    let folder = try CategoryModel(labels: ["harmless", "violence", "hate"], isMultiLabel: true)
    let settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: "\(cluster.bootstrapServers)"}
        topics: {input: in, verdicts: verdicts, dead_letters: dead, quarantine: quarantine}
        model: {path: \(folder.path)}
        policies: {default: {threshold: 1, categories: {violence: {threshold: 0}}}}
        """, file: "test")
    let clients = try KafkaClients(settings: settings, environment: [:])
    let loader = ModelLoader(
      settings: settings.model, device: InferenceDevice(pool: WorkerPool(workers: 1)),
      policies: LivePolicies(settings.policies))
    let daemon = try FilterDaemon(
      settings: settings, guard: LiveModel(try loader.load()), clients: clients,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    #expect(daemon.metrics().text().contains("sluice_category_flags_total{category=\"hate\"} 0\n"))
    let stream = BlockingThread(name: "stream") { _ = daemon.run() }
    defer {
      daemon.stop()
      stream.join()
    }
    let records = try outputs(clients)
    let verdicts = try records.filter { $0.source.topic == "verdicts" }.map { record in
      var decoder = VerdictDecoder()
      return try decoder.decode(record.value ?? [], as: .json)
    }
    #expect(verdicts.count == Self.exchanges)
    #expect(records.count == 2 * Self.exchanges, "each has a copy in quarantine")
    for verdict in verdicts {
      #expect(verdict.decidedBy == "category:violence" && verdict.action == .quarantine)
      #expect(Set(verdict.categories.map(\.name)) == ["harmless", "violence", "hate"])
    }
    for record in records {
      let headers = record.headers.filter { $0.name == "sluice-decided-by" }
      #expect(headers == [Header("sluice-decided-by", "category:violence")])
    }
    let counted = comesAbout {
      let page = daemon.metrics().text()
      return page.contains("sluice_category_flags_total{category=\"violence\"} 20\n")
        && page.contains("sluice_category_flags_total{category=\"hate\"} 0\n")
    }
    #expect(counted)
    let page = daemon.metrics()
    #expect(page.text().contains("\nsluice_build_info{version=\""))
    #expect(try MetricsReaders.complaints(about: page.text(), format: "prometheus") == "")
    #expect(
      try MetricsReaders.complaints(about: page.text(.openMetrics), format: "openmetrics") == "")
    let bad = page.text() + "sluice_build_info{version=\"x\"} y\n"
    #expect(try MetricsReaders.complaints(about: bad, format: "prometheus") != "")
  }

  /// What the daemon writes for some exchanges.
  private func outputs(_ clients: KafkaClients) throws -> [InputRecord] {
    let reader = try clients.makeReader(of: ["verdicts", "quarantine"])
    let producer = try clients.makeProducer(messageTimeout: .seconds(20))
    try producer.send(
      (0..<Self.exchanges).map { number in
        OutputRecord(
          topic: "in", partition: nil, key: nil,
          value: Array(#"{"prompt": "stone \#(number)"}"#.utf8))
      }, timeout: .seconds(20))
    try producer.flush(timeout: .seconds(20))
    var records: [InputRecord] = []
    let isThere = comesAbout {
      try? reader.poll(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
      return records.count >= 2 * Self.exchanges
    }
    #expect(isThere)
    return records
  }
}
