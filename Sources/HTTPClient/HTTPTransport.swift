package import Foundation

/// Carries one request to a server and its answer back; tests have their own.
package protocol HTTPTransport: Sendable {
  /// - Throws: `TransportFailure` when no complete answer came.
  func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPAnswer
}

/// A request of HTTP; a body makes it a POST, none a GET.
package struct HTTPRequest: Sendable {
  package let url: URL
  package let headers: [String: String]
  package let body: Data?
  /// For the whole exchange.
  package let timeout: Duration
  /// The path of a Unix socket where the server listens; nil for the network.
  package let socket: String?

  package init(
    url: URL, headers: [String: String], body: Data?, timeout: Duration, socket: String? = nil
  ) {
    self.url = url
    self.headers = headers
    self.body = body
    self.timeout = timeout
    self.socket = socket
  }
}

/// An answer of HTTP, whatever its status.
package struct HTTPAnswer: Sendable {
  package let status: Int
  /// The header of that name.
  package let retryAfter: String?
  package let body: Data

  package init(status: Int, retryAfter: String? = nil, body: Data) {
    self.status = status
    self.retryAfter = retryAfter
    self.body = body
  }
}

/// Why no complete answer came.
package enum TransportFailure: Error, Hashable, Sendable {
  /// What happened to the connection, in words.
  case connection(String)
  case timedOut
  /// The answer has more bytes than any answer should.
  case tooLarge
  case cancelled
}
