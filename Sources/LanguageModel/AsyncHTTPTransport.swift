internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// HTTP by async-http-client. Follows no redirect, which could carry the key to a stranger, and
/// keeps no answer beyond a limit.
///
/// Foundation's `URLSession` on Linux spends most of a core on waiting for an answer.
package final class AsyncHTTPTransport: HTTPTransport {
  /// Bytes of one answer at most.
  package static let answerBytesMax = 32 << 20

  private let client: HTTPClient
  private let answerBytesMax: Int

  /// A transport with so many connections to one server at most.
  package init(connectionsMax: Int, answerBytesMax: Int = AsyncHTTPTransport.answerBytesMax) {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connectionsMax
    // A request that fails is tried again above, with a pause.
    configuration.connectionPool.retryConnectionEstablishment = false
    client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    self.answerBytesMax = answerBytesMax
  }

  deinit { client.shutdown { _ in } }

  package func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPAnswer {
    var message = HTTPClientRequest(url: request.url.absoluteString)
    for (name, value) in request.headers { message.headers.add(name: name, value: value) }
    if let body = request.body {
      message.method = .POST
      message.body = .bytes(ByteBuffer(bytes: body))
    }
    do {
      return try await Self.limited(to: request.timeout) { [message] in
        try await self.exchange(message)
      }
    } catch {
      throw Self.failure(for: error)
    }
  }

  private func exchange(_ message: HTTPClientRequest) async throws -> HTTPAnswer {
    let response = try await client.execute(message, deadline: .distantFuture)
    let body = try await response.body.collect(upTo: answerBytesMax)
    return HTTPAnswer(
      status: Int(response.status.code), retryAfter: response.headers.first(name: "Retry-After"),
      body: Data(body.readableBytesView))
  }

  private struct TimeIsUp: Error {}

  /// The client's own limits end with the head of an answer, or start anew with each part of it.
  private static func limited<Value: Sendable>(
    to timeout: Duration, _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: timeout)
        throw TimeIsUp()
      }
      defer { group.cancelAll() }
      guard let value = try await group.next() else { throw CancellationError() }
      return value
    }
  }

  private static func failure(for error: any Error) -> TransportFailure {
    switch error {
    case is TimeIsUp: .timedOut
    case is NIOTooManyBytesError: .tooLarge
    case is CancellationError: .cancelled
    case let error as HTTPClientError:
      switch error {
      case .cancelled: .cancelled
      case .connectTimeout, .deadlineExceeded: .timedOut
      default: .connection(error.shortDescription)
      }
    case let error as NIOConnectionError:
      .connection(error.connectionErrors.first.map { "\($0.error)" } ?? "the name is unknown")
    case let error as IOError: .connection("errno \(error.errnoCode)")
    default: .connection("\(type(of: error))")
    }
  }
}
