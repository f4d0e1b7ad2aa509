package import Foundation
package import HTTPServer

/// Answers `/live`, `/ready` and `/metrics` over HTTP, and for those who look on `/`: a page that
/// shows `/status.json`.
package struct StatusServer: Sendable {
  private let address: String
  private let port: UInt16
  private let pages: Pages
  private let limits: HTTPServer.Limits

  /// What the pages show, asked at each request.
  package struct Pages: Sendable {
    let isLive: @Sendable () -> Bool
    let isReady: @Sendable () -> Bool
    let metrics: @Sendable () -> MetricsPage
    let status: (@Sendable () -> Data)?

    /// - Parameter status: what the live page shows, as JSON; nil where there is no such page.
    package init(
      isLive: @escaping @Sendable () -> Bool, isReady: @escaping @Sendable () -> Bool,
      metrics: @escaping @Sendable () -> MetricsPage,
      status: (@Sendable () -> Data)? = nil
    ) {
      self.isLive = isLive
      self.isReady = isReady
      self.metrics = metrics
      self.status = status
    }
  }

  /// A server for an IPv4 or IPv6 address and a port, which does not listen yet.
  package init(
    address: String, port: UInt16, pages: Pages, limits: HTTPServer.Limits = HTTPServer.Limits()
  ) {
    self.address = address
    self.port = port
    self.pages = pages
    self.limits = limits
  }

  /// Serves until the task is cancelled.
  ///
  /// - Throws: when the address is in use or not this host's.
  package func run() async throws(ListenFailure) {
    let server = try HTTPServer(
      on: ListeningSocket(address: address, port: port), limits: limits
    ) { request in
      switch request.method {
      case "GET", "HEAD": answer(request)
      default: HTTPServer.Response(status: 405, headers: ["Allow": "GET, HEAD"])
      }
    }
    await server.waitUntilCancelled()
  }

  private func answer(_ request: HTTPServer.Request) -> HTTPServer.Response {
    switch request.path {
    case "/live": Self.health(pages.isLive())
    case "/ready": Self.health(pages.isReady())
    case "/metrics": metrics(accepting: request.accept)
    case "/" where pages.status != nil: Self.livePage
    case "/status.json": pages.status.map { Self.json($0()) } ?? HTTPServer.Response(status: 404)
    default: HTTPServer.Response(status: 404)
    }
  }

  /// The metrics, with what `/live` and `/ready` would say.
  private func metrics(accepting header: String?) -> HTTPServer.Response {
    let format = MetricsPage.Format(accepting: header)
    var page = pages.metrics()
    page.gauge("sluice_live", "1 while /live answers 200.", pages.isLive() ? 1 : 0)
    page.gauge("sluice_ready", "1 while /ready answers 200.", pages.isReady() ? 1 : 0)
    return HTTPServer.Response(
      headers: ["Content-Type": format.contentType], body: Data(page.text(format).utf8))
  }

  /// One file that needs nothing but the daemon.
  private static let livePage = HTTPServer.Response(
    headers: [
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy":
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        + "connect-src 'self'; img-src data:; frame-ancestors 'none'",
      "X-Content-Type-Options": "nosniff",
    ], body: Data(PackageResources.live_html))

  private static func json(_ body: Data) -> HTTPServer.Response {
    HTTPServer.Response(
      headers: [
        "Content-Type": "application/json", "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
      ], body: body)
  }

  private static func health(_ isGood: Bool) -> HTTPServer.Response {
    HTTPServer.Response(status: isGood ? 200 : 503)
  }
}
