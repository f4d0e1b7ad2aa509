internal import FlyingFox
internal import FlyingSocks
package import Foundation

/// Answers `/live`, `/ready` and `/metrics` over HTTP, and for those who look on `/`: a page that
/// shows `/status.json`.
package struct StatusServer: Sendable {
  private let server: HTTPServer

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

  /// A server for an IPv4 address and port.
  ///
  /// - Throws: when the address cannot be parsed.
  package init(address: String, port: UInt16, pages: Pages) throws {
    let handler = ClosureHTTPHandler { request in
      switch request.path {
      case "/live": Self.health(pages.isLive())
      case "/ready": Self.health(pages.isReady())
      case "/metrics":
        Self.metrics(pages, accepting: request.headers[HTTPHeader("Accept")])
      case "/" where pages.status != nil: Self.livePage
      case "/status.json":
        pages.status.map { Self.json($0()) } ?? HTTPResponse(statusCode: .notFound)
      default: HTTPResponse(statusCode: .notFound)
      }
    }
    // The library's own log would print lines for each request, and takes the end of a connection
    // for an error; what matters comes as an error of `run`.
    server = HTTPServer(
      address: try .inet(ip4: address, port: port), logger: .disabled, handler: handler)
  }

  /// Serves until the task is cancelled.
  ///
  /// - Throws: when the address is in use or not this host's.
  package func run() async throws { try await server.run() }

  /// Whether an error of `run` says that the address is taken, not allowed or not this host's.
  package static func cannotListen(_ error: any Error) -> Bool {
    guard let error = error as? SocketError, case .failed(_, let code, _) = error else {
      return false
    }
    return [EADDRINUSE, EADDRNOTAVAIL, EACCES, EPERM].contains(code)
  }

  /// The metrics, with what `/live` and `/ready` would say.
  private static func metrics(_ pages: Pages, accepting header: String?) -> HTTPResponse {
    let format = MetricsPage.Format(accepting: header)
    var page = pages.metrics()
    page.gauge("sluice_live", "1 while /live answers 200.", pages.isLive() ? 1 : 0)
    page.gauge("sluice_ready", "1 while /ready answers 200.", pages.isReady() ? 1 : 0)
    return HTTPResponse(
      statusCode: .ok, headers: [.contentType: format.contentType],
      body: Data(page.text(format).utf8))
  }

  /// One file that needs nothing but the daemon.
  private static let livePage = HTTPResponse(
    statusCode: .ok,
    headers: [
      .contentType: "text/html; charset=utf-8",
      HTTPHeader("Content-Security-Policy"):
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
        + "connect-src 'self'; img-src data:; frame-ancestors 'none'",
      HTTPHeader("X-Content-Type-Options"): "nosniff",
    ], body: Data(PackageResources.live_html))

  private static func json(_ body: Data) -> HTTPResponse {
    HTTPResponse(
      statusCode: .ok,
      headers: [
        .contentType: "application/json", HTTPHeader("Cache-Control"): "no-store",
        HTTPHeader("X-Content-Type-Options"): "nosniff",
      ], body: body)
  }

  private static func health(_ isGood: Bool) -> HTTPResponse {
    HTTPResponse(statusCode: isGood ? .ok : .serviceUnavailable)
  }
}
