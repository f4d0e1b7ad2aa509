import Foundation
import Kafka
import Records
import TestSupport
import Testing
import Wire

/// Traces of a daemon's work: what is sent to a collector, and what records carry on.
@Suite(.serialized) struct TraceTests {
  /// A word of every text that is sent: it must not come out anywhere.
  private static let mark = "secretword"
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let state = Header("tracestate", "vendor=1")

  private let cluster: MockCluster

  init() throws {
    cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] { try cluster.createTopic(topic, partitions: 1) }
  }

  private func start(_ port: UInt16, traces: String) throws -> DaemonProcess {
    try DaemonProcess(
      settings: """
        kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: traced}
        topics: {input: in, verdicts: verdicts, dead_letters: dead}
        model: {path: \(GoldenCase.url("v3-style").path), poll_seconds: 0}
        engine: {threads: 1}
        telemetry: {listen: "127.0.0.1:\(port)", log_level: trace, traces: \(traces)}
        """)
  }

  private func parent(_ number: Int, sampled: Bool) -> Header {
    Header("traceparent", "00-\(Self.trace)-b7ad6b716920333\(number)-0\(sampled ? 1 : 0)")
  }

  /// One record for each list of headers; the texts of all hold the mark.
  private func send(_ headers: [[Header]], value: String? = nil) throws {
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
    let mark = Self.mark
    let exchange = """
      {"id": "\(mark)-id", "prompt": "\(mark) prompt", "response": "\(mark) response",
       "tenant": "acme", "model": "\(mark)-model", "metadata": {"\(mark)": "\(mark)"}}
      """
    try producer.send(
      headers.map {
        OutputRecord(
          topic: "in", partition: Partition(0), key: Array(mark.utf8),
          value: Array((value ?? exchange).utf8), headers: $0)
      }, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  private func read(_ topic: String, _ wanted: Int) throws -> [InputRecord] {
    let reader = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": cluster.bootstrapServers, "group.id": "reader-\(topic)",
        "auto.offset.reset": "earliest", "isolation.level": "read_committed",
      ]))
    try reader.subscribe(to: [topic])
    var records: [InputRecord] = []
    let areThere = comesAbout {
      try? reader.poll(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
      return records.count >= wanted
    }
    #expect(areThere)
    return records
  }

  private func page(_ port: UInt16, _ path: String) -> String {
    URL(string: "http://127.0.0.1:\(port)\(path)").flatMap {
      try? String(contentsOf: $0, encoding: .utf8)
    } ?? ""
  }

  @Test func tracesThatComeWithRecordsGoOn() async throws {
    let collector = try TraceCollector()
    let port = freeLoopbackPort()
    let daemon = try start(port, traces: "{endpoint: \"\(collector.url)\", sample_share: 0}")
    let garbage = Header("traceparent", "garbage")
    try send([
      [parent(0, sampled: true), Self.state, Header("own", "kept")],
      [parent(1, sampled: false), Self.state], [], [garbage, Self.state],
      [garbage, parent(4, sampled: true)],
    ])
    try send([[parent(5, sampled: true)]], value: "{\"prompt\": \"\(Self.mark)")
    let verdicts = try read("verdicts", 5)
    let letters = try read("dead", 1)
    #expect(
      comesAbout {
        page(port, "/metrics").contains("sluice_trace_spans_total{outcome=\"exported\"} ")
          && ((try? collector.spans()) ?? []).filter { $0.name == "filter in" }.count == 3
      })
    let spans = try collector.spans()
    let filters = spans.filter { $0.name == "filter in" }
    #expect(filters.allSatisfy { $0.traceId == Self.trace && $0["sluice.policy"] == "default" })
    func span(_ offset: Int) -> TraceCollector.Span? {
      filters.first { $0["messaging.kafka.offset"] == "\(offset)" }
    }
    func carried(_ record: InputRecord) -> [String] {
      record.headers.filter { $0.name.hasPrefix("trace") }.map {
        "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))"
      }
    }
    let first = try #require(span(0))
    #expect(first.parentSpanId == "b7ad6b7169203330" && first["sluice.action"] != nil)
    #expect(
      carried(verdicts[0]) == [
        "traceparent=00-\(Self.trace)-\(first.spanId)-01", "tracestate=vendor=1",
      ])
    #expect(verdicts[0].headers.text(of: "own") == "kept")
    #expect(
      carried(verdicts[1]) == [
        "traceparent=00-\(Self.trace)-b7ad6b7169203331-00", "tracestate=vendor=1",
      ])
    #expect(carried(verdicts[2]) == [])
    #expect(carried(verdicts[3]) == ["traceparent=garbage", "tracestate=vendor=1"])
    #expect(carried(verdicts[4]) == ["traceparent=00-\(Self.trace)-\(span(4)?.spanId ?? "")-01"])
    let letter = try #require(span(5))
    #expect(letter["error.type"] == "malformed" && letter.status?.code == 2)
    #expect(carried(letters[0]) == ["traceparent=00-\(Self.trace)-\(letter.spanId)-01"])
    let publishes = spans.filter { $0.name == "publish" }
    #expect(
      Set(publishes.flatMap(\.links).map(\.spanId)) == Set(filters.map(\.spanId)))
    #expect(spans.contains { $0.name == "judge" && !$0.links.isEmpty })

    let complaints = try await onThreadOfItsOwn { try collector.complaints() }
    #expect(complaints == "")
    let pages = ["/metrics", "/status.json", "/"].map { page(port, $0) }
    #expect(pages.allSatisfy { !$0.isEmpty })
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    let bodies = collector.requests.map { String(decoding: $0.body, as: UTF8.self) }
    for text in pages + bodies + [daemon.log] { #expect(!text.contains(Self.mark)) }
  }

  /// The last spans are sent at the end; what begins here begins with a fresh trace.
  @Test func tracesBeginHereAndTheEndSendsThem() async throws {
    let collector = try TraceCollector()
    let port = freeLoopbackPort()
    let daemon = try start(port, traces: "{endpoint: \"\(collector.url)/\", sample_share: 1}")
    try send([[], [Header("traceparent", "garbage"), Self.state], [parent(2, sampled: false)]])
    let verdicts = try read("verdicts", 3)
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    let filters = try collector.spans().filter { $0.name == "filter in" }
    #expect(filters.count == 2)
    for (record, span) in zip(verdicts, filters) {
      #expect(span.parentSpanId == nil)
      #expect(
        record.headers.text(of: "traceparent") == "00-\(span.traceId)-\(span.spanId)-03")
      #expect(record.headers.text(of: "tracestate") == nil)
    }
  }

  /// A stream does not wait for its collector, and says once what is wrong with it.
  @Test func aCollectorThatIsAwayHoldsNothingUp() throws {
    let port = freeLoopbackPort()
    let daemon = try start(port, traces: "{endpoint: \"http://127.0.0.1:1\", sample_share: 1}")
    try send(Array(repeating: [], count: 20))
    #expect(try read("verdicts", 20).count == 20)
    #expect(comesAbout { daemon.log.contains("spans were not taken") })
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
  }
}
