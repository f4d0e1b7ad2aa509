internal import FlyingFox
package import Foundation
internal import Synchronization

/// An HTTP server in this process that answers as a test says.
package final class ScriptedServer: Sendable {
  /// What arrived.
  package struct Request: Sendable {
    package let path: String
    package let headers: [String: String]
    package let body: Data

    /// The body as a JSON object; empty if it is none.
    package var json: [String: Any] {
      (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:]
    }
  }

  /// What goes back.
  package struct Answer: Sendable {
    package let status: Int
    package let headers: [String: String]
    package let body: Data

    package init(status: Int = 200, headers: [String: String] = [:], body: String = "") {
      self.status = status
      self.headers = headers
      self.body = Data(body.utf8)
    }
  }

  /// The address, such as `http://127.0.0.1:8080`.
  package let url: String
  private let server: HTTPServer
  private let running: Task<Void, any Error>
  private let log: RequestLog

  /// Starts a server; `answer` also gets the request's number, from 0.
  package init(
    _ answer: @escaping @Sendable (Request, Int) async -> Answer
  ) async throws {
    let log = RequestLog()
    let handler = ClosureHTTPHandler { request in
      var headers: [String: String] = [:]
      for (name, value) in request.headers { headers[name.rawValue.lowercased()] = value }
      let received = Request(
        path: request.path, headers: headers, body: try await request.bodyData)
      let reply = await answer(received, log.append(received))
      var replyHeaders = HTTPHeaders()
      for (name, value) in reply.headers { replyHeaders[HTTPHeader(name)] = value }
      return HTTPResponse(
        statusCode: HTTPStatusCode(reply.status, phrase: "-"), headers: replyHeaders,
        body: reply.body)
    }
    let server = HTTPServer(
      address: try .inet(ip4: "127.0.0.1", port: 0), logger: .disabled, handler: handler)
    running = Task { try await server.run() }
    try await server.waitUntilListening(timeout: 30)
    guard case .ip4(_, let port) = await server.listeningAddress else {
      throw CancellationError()
    }
    self.server = server
    self.log = log
    url = "http://127.0.0.1:\(port)"
  }

  deinit { running.cancel() }

  /// Everything that has arrived, in order.
  package var requests: [Request] { log.all }

  /// Ends the server and every connection to it.
  package func stop() async { await server.stop() }
}

/// The requests so far.
private final class RequestLog: Sendable {
  private let requests = Mutex<[ScriptedServer.Request]>([])

  var all: [ScriptedServer.Request] { requests.withLock { $0 } }

  /// Adds a request and returns its number.
  func append(_ request: ScriptedServer.Request) -> Int {
    requests.withLock { requests in
      requests.append(request)
      return requests.count - 1
    }
  }
}
