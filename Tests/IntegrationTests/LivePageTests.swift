import FilterService
import Foundation
import Guard
import Hosting
import Kafka
import Logging
import Records
import Settings
import StrictJSON
import Telemetry
import Tensors
import TestSupport
import Testing
import Threading

/// The daemon's live page, as a browser renders it.
@Suite(.serialized) struct LivePageTests {
  /// A word of every text that is sent: it must not come out anywhere.
  private static let mark = "secretword"

  @Test func aBrowserShowsWhatTheDaemonDoes() async throws {
    let cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] { try cluster.createTopic(topic, partitions: 3) }
    let settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: page-test}
        topics: {input: in, verdicts: verdicts, dead_letters: dead}
        model: {path: \(SourceTree.url("Tests/Fixtures/guard-tiny").path)}
        policies: {default: {threshold: 0}, lenient: {threshold: 1}}
        tenants: {b: lenient}
        """, file: "test")
    let clients = try KafkaClients(settings: settings, environment: [:])
    let loader = ModelLoader(settings: settings.model, pool: WorkerPool(workers: 1))
    let daemon = try FilterDaemon(
      settings: settings, guard: LiveModel(try loader.load()), clients: clients,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let stream = BlockingThread(name: "stream") { _ = daemon.run() }
    defer {
      daemon.stop()
      stream.join()
    }
    try send(clients)
    #expect(comesAbout { daemon.snapshot.counters.committed == 35 })
    // The ends of partitions come with later answers of the broker.
    #expect(
      comesAbout {
        let page = daemon.metrics().text()
        return (0..<3).allSatisfy {
          page.contains("\nsluice_lag_records{topic=\"in\",partition=\"\($0)\"} 0\n")
        }
      })

    let port = UInt16(freeLoopbackPort())
    let status = { @Sendable in
      let health = daemon.health(stallSeconds: 60)
      return (try? JSONCoder.encode(daemon.status(health: health, modelFolder: loader.target)))
        ?? Data()
    }
    let server = StatusServer(
      address: "127.0.0.1", port: port,
      pages: StatusServer.Pages(
        isLive: { true }, isReady: { true }, metrics: { daemon.metrics() }, status: status))
    let serving = Task { try await server.run() }
    defer { serving.cancel() }
    #expect(await eventually { isListening(port) })
    try checkCost("http://127.0.0.1:\(port)")
    let (page, log) = try Self.rendered("http://127.0.0.1:\(port)/")

    #expect(!log.contains("CONSOLE"), "\(log)")
    #expect(page.contains(#"class="good">ready</span>"#))
    #expect(page.contains("group page-test"))
    // 30 verdicts, of which those of one policy are all flagged; five dead letters.
    #expect(page.contains("<th scope=\"row\">default</th><td>20</td><td>20</td><td>100.0 %</td>"))
    #expect(page.contains("<th scope=\"row\">lenient</th><td>10</td><td>0</td><td>0.00 %</td>"))
    #expect(page.contains("<th scope=\"row\">malformed</th><td>5</td>"))
    for partition in 0..<3 {
      let row = "<th scope=\"row\">in/\(partition)</th><td class=\"left\">this daemon</td>"
      #expect(page.contains(row + "<td>0</td>"))
    }
    #expect(page.contains("<th scope=\"row\">judges now</th><td class=\"left\">guard-tiny@"))
    #expect(page.contains("Scores of 30 verdicts in twenty steps"))
    #expect(page.contains("Verdicts a second over the last minute: now 0"))
    let pages = [page, String(decoding: status(), as: UTF8.self), daemon.metrics().text()]
    for text in pages { #expect(!text.contains(Self.mark)) }
  }

  /// The page and what it shows are small and come at once. What other programs take of the machine
  /// is no fault of theirs, so the quickest of fifty answers counts.
  private func checkCost(_ address: String) throws {
    for path in ["/", "/status.json", "/metrics"] {
      let url = try #require(URL(string: address + path))
      var fastest = Duration.seconds(1)
      for _ in 0..<50 {
        let start = ContinuousClock.now
        let size = try Data(contentsOf: url).count
        fastest = min(fastest, ContinuousClock.now - start)
        #expect(size > 500 && size <= 100_000, "\(path)")
      }
      #expect(fastest <= .milliseconds(5), "\(path)")
    }
  }

  private func send(_ clients: KafkaClients) throws {
    let producer = try clients.makeProducer(messageTimeout: .seconds(20))
    try producer.send(
      (0..<35).map { number in
        let tenant = number % 3 == 0 ? #", "tenant": "b""# : ""
        let text =
          number < 30
          ? #"{"prompt": "\#(Self.mark) stone \#(number)"\#(tenant)}"# : "{\(Self.mark)"
        return OutputRecord(topic: "in", partition: nil, key: nil, value: Array(text.utf8))
      }, timeout: .seconds(20))
    try producer.flush(timeout: .seconds(20))
  }

  /// The page after some seconds, and what the browser had to say.
  private static func rendered(_ address: String) throws -> (page: String, log: String) {
    let directory = try TemporaryDirectory()
    let (page, log) = (directory.path + "/page.html", directory.path + "/log")
    let browser = try ChildProcess(
      "/usr/bin/chromium-headless-shell",
      [
        "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--user-data-dir=\(directory.path)/profile",
        "--enable-logging=stderr", "--virtual-time-budget=9000", "--dump-dom", address,
      ], environment: ["HOME": directory.path], output: page, error: log)
    let ending = browser.wait(within: .seconds(60))
    #expect(ending == .exited(0))
    return (
      try String(contentsOfFile: page, encoding: .utf8),
      try String(contentsOfFile: log, encoding: .utf8)
    )
  }
}
