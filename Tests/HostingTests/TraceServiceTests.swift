import Foundation
import Hosting
import Logging
import ServiceLifecycle
import Settings
import Telemetry
import TestSupport
import Testing
import Traces
import Tracing

/// The service that sends spans, and the file of headers that it sends with them.
@Suite struct TraceServiceTests {
  private func service(
    headers: String?, to url: String = "http://127.0.0.1:1", environment: [String: String] = [:]
  ) throws -> TraceService {
    let url = try #require(URL(string: url))
    let settings = TraceSettings(
      url: url, sampleShare: 1, serviceName: "a name", headersFile: headers)
    return try TraceService(
      settings, environment: environment,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// What is said of a file with this text.
  private func complaint(about text: String) throws -> String? {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/headers"
    try Data(text.utf8).write(to: URL(filePath: file))
    do {
      _ = try service(headers: file)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test(arguments: [
    "Authorization: Bearer abc", "A: 1\nB: 2\n", "A:1\r\n\r\nB:2", "X-Key:  spaces  ", "",
    "A: with: colons",
  ])
  func headersAreTaken(text: String) throws {
    #expect(try complaint(about: text) == nil)
  }

  @Test(arguments: [
    ("no colon", 1), ("A: 1\nB", 2), (": value", 1), ("A b: 1", 1), ("A:", 1), ("A: \u{e4}", 1),
    ("A: 1\n\nB\u{7f}: 2", 3), ("\u{e4}: 1", 1),
  ])
  func whatIsNoHeaderIsNamedByItsLine(text: String, line: Int) throws {
    let complaint = try #require(try complaint(about: text))
    #expect(complaint.hasPrefix("telemetry.traces.headers_file: line \(line) is no header"))
  }

  @Test func filesThatAreNotThereAreNamed() throws {
    #expect(throws: StartFailure.self) { try service(headers: "/nowhere") }
    let error = #expect(throws: StartFailure.self) {
      try service(headers: "$CREDENTIALS_DIRECTORY/headers")
    }
    #expect(error?.description.contains("$CREDENTIALS_DIRECTORY is not set") == true)
  }

  @Test func spansAreSentWithHeadersAndCounted() async throws {
    let collector = try TraceCollector()
    let directory = try TemporaryDirectory()
    try Data("X-Key: secret\n".utf8).write(to: URL(filePath: directory.path + "/headers"))
    let service = try service(
      headers: "$CREDENTIALS_DIRECTORY/headers", to: collector.url + "/v1/traces",
      environment: ["CREDENTIALS_DIRECTORY": directory.path])
    let group = ServiceGroup(
      services: [service], logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try await onThreadOfItsOwn {
      async let running: Void = group.run()
      service.tracer.startSpan("work", context: .topLevel).end()
      #expect(await eventually { collector.requests.count == 1 })
      service.tracer.startSpan("last work", context: .topLevel).end()
      await group.triggerGracefulShutdown()
      try await running
    }
    #expect(collector.requests.count == 2)
    #expect(collector.requests.allSatisfy { $0.header("X-Key") == "secret" })
    let body = String(decoding: collector.requests[0].body, as: UTF8.self)
    #expect(body.contains(#"{"key":"service.name","value":{"stringValue":"a name"}}"#))
    var page = MetricsPage()
    service.add(to: &page)
    #expect(page.text().contains("sluice_trace_spans_total{outcome=\"exported\"} 2\n"))
  }

  @Test func aCollectorIsTriedWithoutSpans() async throws {
    let collector = try TraceCollector([.init(), .init(status: 401)])
    let service = try service(headers: nil, to: collector.url + "/v1/traces")
    try await service.check()
    #expect(try collector.spans().isEmpty && collector.requests.count == 1)
    let refused = await #expect(throws: StartFailure.self) { try await service.check() }
    #expect(
      refused?.description
        == "telemetry.traces.endpoint: the collector answers with status 401")
    let away = try self.service(headers: nil)
    await #expect(throws: StartFailure.self) { try await away.check() }
  }
}
