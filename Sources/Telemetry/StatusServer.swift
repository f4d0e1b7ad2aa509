import FlyingFox
import FlyingSocks
import Foundation

/// Answers `/live`, `/ready` and `/metrics` over HTTP.
package struct StatusServer: Sendable {
  private let server: HTTPServer

  /// What the pages show, asked at each request.
  package struct Pages: Sendable {
    let isLive: @Sendable () -> Bool
    let isReady: @Sendable () -> Bool
    let metrics: @Sendable () -> MetricsPage

    package init(
      isLive: @escaping @Sendable () -> Bool, isReady: @escaping @Sendable () -> Bool,
      metrics: @escaping @Sendable () -> MetricsPage
    ) {
      self.isLive = isLive
      self.isReady = isReady
      self.metrics = metrics
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
        Self.metrics(pages.metrics(), accepting: request.headers[HTTPHeader("Accept")])
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

  private static func metrics(_ page: MetricsPage, accepting header: String?) -> HTTPResponse {
    let format = MetricsPage.Format(accepting: header)
    return HTTPResponse(
      statusCode: .ok, headers: [.contentType: format.contentType],
      body: Data(page.text(format).utf8))
  }

  private static func health(_ isGood: Bool) -> HTTPResponse {
    HTTPResponse(statusCode: isGood ? .ok : .serviceUnavailable)
  }
}
