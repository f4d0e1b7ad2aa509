import Foundation
import FoundationNetworking
import Hosting
import Logging
import ServiceLifecycle
import Settings
import Telemetry
import TestSupport
import Testing

@Suite(.serialized) struct StatusServiceTests {
  private func service(port: UInt16) throws -> StatusService {
    let settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: none}
        topics: {input: in, verdicts: out}
        model: {path: /nowhere}
        telemetry: {listen: "127.0.0.1:\(port)"}
        """, file: "test")
    return StatusService(
      listen: try #require(settings.telemetry.listen),
      pages: StatusServer.Pages(
        isLive: { true }, isReady: { false },
        metrics: {
          var page = MetricsPage()
          page.gauge("a", "An a.", 1)
          return page
        }))
  }

  private func fetch(_ page: String, port: UInt16) async throws -> (status: Int, text: String) {
    let url = try #require(URL(string: "http://127.0.0.1:\(port)/\(page)"))
    #expect(await eventually { isListening(port) })
    let (data, response) = try await URLSession.shared.data(from: url)
    let status = (response as? HTTPURLResponse)?.statusCode ?? 0
    return (status, String(decoding: data, as: UTF8.self))
  }

  /// However its tasks end when the program stops, that is no failure: the race has several
  /// outcomes.
  @Test func stoppingIsNeverAFailure() async throws {
    for _ in 0..<40 {
      let port = UInt16(freeLoopbackPort())
      let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(
          services: [.init(service: try service(port: port))],
          logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
      async let end: Void = group.run()
      let page = try await fetch("metrics", port: port)
      #expect(page.text.contains("\na 1\n"))
      await group.triggerGracefulShutdown()
      try await end
    }
  }

  @Test func thePagesAnswerAsTheyAreAsked() async throws {
    let port = UInt16(freeLoopbackPort())
    let service = try service(port: port)
    let task = Task { try await service.run() }
    #expect(try await fetch("live", port: port).status == 200)
    #expect(try await fetch("ready", port: port).status == 503)
    #expect(try await fetch("other", port: port).status == 404)
    #expect(try await fetch("", port: port).status == 404, "no live page")
    #expect(try await fetch("status.json", port: port).status == 404)
    task.cancel()
    try await task.value
  }

  /// Scrapers that ask for OpenMetrics get it, by the header that Prometheus sends.
  @Test func theFormatIsThatOfTheRequest() async throws {
    let port = UInt16(freeLoopbackPort())
    let service = try service(port: port)
    let task = Task { try await service.run() }
    _ = try await fetch("live", port: port)
    var request = URLRequest(
      url: try #require(URL(string: "http://127.0.0.1:\(port)/metrics")))
    request.setValue(
      "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
      forHTTPHeaderField: "Accept")
    let (data, response) = try await URLSession.shared.data(for: request)
    let page = String(decoding: data, as: UTF8.self)
    #expect(page.contains("\na 1\n") && page.contains("\nsluice_live 1\n"))
    #expect(page.hasSuffix("\nsluice_ready 0\n# EOF\n"))
    let type = (response as? HTTPURLResponse)?.value(forHTTPHeaderField: "Content-Type")
    #expect(type == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    task.cancel()
    try await task.value
  }

  /// Where there is a live page it needs nothing but this server, and nothing may be put into it.
  @Test func theLivePageIsOneFile() async throws {
    let port = UInt16(freeLoopbackPort())
    let server = StatusServer(
      address: "127.0.0.1", port: port,
      pages: StatusServer.Pages(
        isLive: { true }, isReady: { true }, metrics: { MetricsPage() },
        status: { Data(#"{"a": 1}"#.utf8) }))
    let task = Task { try await server.run() }
    let page = try await fetch("", port: port)
    #expect(page.status == 200 && page.text.hasPrefix("<!doctype html>"))
    #expect(page.text.utf8.count <= 100_000)
    for address in page.text.matches(of: /https?:\/\/[^"' ]*/) {
      #expect(address.output == "http://www.w3.org/2000/svg", "a name, which is not fetched")
    }
    #expect(try await fetch("status.json", port: port).text == #"{"a": 1}"#)
    let url = try #require(URL(string: "http://127.0.0.1:\(port)/"))
    let (_, response) = try await URLSession.shared.data(from: url)
    let policy = (response as? HTTPURLResponse)?
      .value(forHTTPHeaderField: "Content-Security-Policy")
    #expect(policy?.hasPrefix("default-src 'none'; ") == true)
    task.cancel()
    _ = try? await task.value
  }

  @Test func anAddressInUseIsAFailure() async throws {
    let port = UInt16(freeLoopbackPort())
    let first = try service(port: port)
    let task = Task { try await first.run() }
    _ = try await fetch("live", port: port)
    let second = try service(port: port)
    let error = await #expect(throws: StartFailure.self) { try await second.run() }
    guard case .unavailable = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    task.cancel()
    try await task.value
  }
}
