import Foundation
import Glibc
import Kafka
import Records
import TestSupport
import Testing

/// The alerts of `config/prometheus` over what a real daemon says of itself while it fares badly.
///
/// The daemon's metrics are read every tenth of a second, and promtool is told that it was once a
/// minute: what an alert waits for an hour for comes about in seconds.
@Suite(.serialized) struct RecordedFaultTests {
  private static let pause: UInt32 = 100_000

  private let cluster: MockCluster
  private let producer: KafkaProducer
  private let port = freeLoopbackPort()

  init() throws {
    cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] { try cluster.createTopic(topic, partitions: 1) }
    producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
  }

  private func settings() -> String {
    """
    kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: recorded}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(GoldenCase.url("v3-style").path), poll_seconds: 0}
    engine: {threads: 1}
    telemetry: {listen: "127.0.0.1:\(port)"}
    """
  }

  private func send(_ texts: [String]) throws {
    try producer.send(
      texts.map {
        OutputRecord(topic: "in", partition: Partition(0), key: nil, value: Array($0.utf8))
      }, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  /// Reads the metrics so often, and lets traffic come between; which texts, `traffic` says.
  private func record(
    _ count: Int, into recording: inout Recording, traffic: () -> [String] = { good(4) }
  ) throws {
    let url = try #require(URL(string: "http://127.0.0.1:\(port)/metrics"))
    for _ in 0..<count {
      try send(traffic())
      usleep(Self.pause)  // sleeps: the daemon has that long for what came
      recording.add(try? String(contentsOf: url, encoding: .utf8))
    }
  }

  private static func good(_ count: Int) -> [String] {
    Array(repeating: #"{"prompt": "How are you?"}"#, count: count)
  }

  /// A conversation most of whose texts nobody reads: those of tools and of the system.
  private static let unread = """
    {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "How are you?"},
     {"role": "tool", "content": "t"}, {"role": "assistant", "content": "Fine."}]}
    """

  @Test func faultsOfADaemonFireTheirAlertsAndHealthDoesNot() throws {
    let daemon = try DaemonProcess(settings: settings())
    let file = URL(filePath: daemon.directory.path + "/sluice.yaml")
    var recording = Recording(job: "sluice")
    try record(25, into: &recording)
    recording.expect([])

    try Data("policies: [".utf8).write(to: file)
    daemon.process.send(signal: SIGHUP)
    try record(3, into: &recording)
    recording.expect(["SluiceSettingsRefused"])

    let broken = daemon.directory.path + "/broken"
    let other = settings().replacing(GoldenCase.url("v3-style").path, with: broken)
    try Data(other.utf8).write(to: file)
    daemon.process.send(signal: SIGHUP)
    try record(3, into: &recording)
    recording.expect(["SluiceModelRefused", "SluiceSettingsRefused"])
    try record(20, into: &recording)
    recording.expect([])

    try record(22, into: &recording) { Self.good(4) + ["{"] }
    recording.expect(["SluiceDeadLetters"])
    try record(25, into: &recording)
    recording.expect([])

    try record(65, into: &recording) { [Self.unread] }
    recording.expect(["SluiceTextsLeftOut"])
    try record(90, into: &recording)
    recording.expect([])

    // Transactions cannot end, but records come.
    cluster.failNext(
      .endTransaction, with: Array(repeating: .coordinatorLoading, count: 10_000))
    try record(25, into: &recording) { Self.good(100) }
    recording.expect(["SluiceStalled", "SluiceLagGrows"])
    cluster.clearFailures(of: .endTransaction)
    try record(40, into: &recording) { [] }
    recording.expect([])

    try #require(daemon.process.isRunning, "it ended by itself: \(daemon.log)")
    daemon.process.kill()
    try record(5, into: &recording) { [] }
    recording.expect(["SluiceDown"])
    let complaints = try recording.complaints()
    #expect(complaints == "", "\(daemon.log)")
  }
}

/// What Prometheus would have of a daemon, one sample a minute, and which alerts are to fire when.
private struct Recording {
  private let job: String
  private var samples = 0
  /// By series, as it is written; what is absent at some time is `_`.
  private var series: [String: [String]] = [:]
  private var expectations: [(minute: Int, alerts: Set<String>)] = []

  init(job: String) { self.job = job }

  /// - Parameter page: nil where the daemon did not answer.
  mutating func add(_ page: String?) {
    note("up", page == nil ? "0" : "1")
    for line in (page ?? "").split(separator: "\n") where !line.hasPrefix("#") {
      guard let space = line.lastIndex(of: " ") else { continue }
      note(String(line[..<space]), String(line[line.index(after: space)...]))
    }
    samples += 1
  }

  /// After what was recorded last, these alerts fire and no others.
  mutating func expect(_ alerts: Set<String>) {
    expectations.append((samples - 1, alerts))
  }

  private mutating func note(_ name: String, _ value: String) {
    var values = series[name] ?? []
    values += Array(repeating: "_", count: samples - values.count)
    series[name] = values + [value]
  }

  /// What promtool says against it; empty for nothing.
  func complaints() throws -> String {
    let rules = SourceTree.url("config/prometheus/alerts.yaml").path
    var text = """
      rule_files: [\(rules)]
      evaluation_interval: 1m
      tests:
        - name: recorded
          interval: 1m
          input_series:

      """
    for (name, values) in series.sorted(by: { $0.key < $1.key }) {
      let samples = values.joined(separator: " ")
      text += "      - {series: '\(labelled(name))', values: '\(samples)'}\n"
    }
    text += "    promql_expr_test:\n"
    for (minute, alerts) in expectations {
      let firing = alerts.sorted().map { "{labels: '{alertname=\"\($0)\"}', value: 1}" }
      text += """
              - expr: count by (alertname) (ALERTS{alertstate="firing"})
                eval_time: \(minute)m
                exp_samples: [\(firing.joined(separator: ", "))]

        """
    }
    let directory = try TemporaryDirectory()
    let file = directory.path + "/recorded.yaml"
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    return try MetricsReaders.complaints(aboutRules: file, command: "test")
  }

  /// A series as Prometheus has it: with the labels of who was asked.
  private func labelled(_ name: String) -> String {
    let own = "job=\"\(job)\",instance=\"a\""
    return name.hasSuffix("}") ? name.dropLast() + ",\(own)}" : "\(name){\(own)}"
  }
}
