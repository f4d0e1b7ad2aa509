internal import Files
internal import FlyingFox
internal import FlyingSocks
package import Foundation
internal import Glibc

/// What an operator asks a daemon over a Unix socket: HTTP, as `curl --unix-socket` speaks it.
package enum ControlSocket {
  /// The socket's place where neither settings nor the service manager say another.
  package static let standardPath = "/run/sluice/control.sock"
  /// The longest path that Linux takes, in bytes.
  package static let pathLengthMax = 107
  static let request = "/reload"
  /// A large model takes minutes to load and to test.
  static let timeout: TimeInterval = 900

  /// Where a daemon listens: as its settings say, else in the runtime folder that systemd made for
  /// it; nil for nowhere.
  package static func path(_ setting: String?, environment: [String: String]) -> String? {
    if let setting { return setting == "none" ? nil : setting }
    let folder = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first
    return folder.map { "\($0)/control.sock" }
  }

  /// What a daemon said.
  package struct Answer: Sendable {
    package let isGood: Bool
    package let body: Data
  }

  /// Why there is no answer.
  package struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// Asks the daemon that listens there to read its settings again, and waits for what it says.
  package static func reload(at path: String) async throws(Failure) -> Answer {
    guard path.utf8.count <= pathLengthMax else {
      throw Failure(description: "\(path): a socket's path has at most \(pathLengthMax) bytes")
    }
    do {
      var client = HTTPClient()
      let question = HTTPRequest(
        method: .POST, version: .http11, path: request, query: [],
        headers: [.host: "localhost", .connection: "close"], body: Data())
      let response = try await client.sendHTTPRequest(question, to: .unix(path: path))
      return Answer(isGood: response.statusCode == .ok, body: try await response.bodyData)
    } catch SocketError.failed(_, let code, let message) {
      throw Failure(
        description: code == ENOENT || code == ECONNREFUSED
          ? "\(path): no daemon listens there" : "\(path): \(message)")
    } catch {
      throw Failure(description: "\(path): the daemon did not answer: \(error)")
    }
  }
}

/// Hears on a Unix socket that only its owner may use.
package struct ControlServer: Sendable {
  private let path: String
  /// Where the socket is until its mode is set.
  private let unfinished: String
  private let server: HTTPServer

  /// A server that does not listen yet.
  ///
  /// - Parameter reload: whether all went well, and what there is to say, as JSON.
  package init(path: String, reload: @escaping @Sendable () async -> (Bool, Data)) {
    self.path = path
    unfinished = "\(path).\(getpid())"
    server = HTTPServer(
      address: .unix(path: unfinished), timeout: ControlSocket.timeout, logger: .disabled,
      handler: ClosureHTTPHandler { request in
        guard request.path == ControlSocket.request else {
          return HTTPResponse(statusCode: .notFound)
        }
        guard request.method == .POST else { return HTTPResponse(statusCode: .methodNotAllowed) }
        let (isGood, body) = await reload()
        return HTTPResponse(
          statusCode: isGood ? .ok : .conflict, headers: [.contentType: "application/json"],
          body: body)
      })
  }

  /// Serves until the task is cancelled. A socket that an earlier process left is replaced.
  package func run() async throws {
    _ = unsafe unlink(unfinished)
    defer { _ = unsafe unlink(path) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      group.addTask {
        try await server.waitUntilListening()
        guard unsafe chmod(unfinished, 0o600) == 0 else {
          throw ControlSocket.Failure(
            description: "\(path): \(unsafe String(cString: strerror(errno)))")
        }
        try DurableFiles().move(unfinished, to: path)
        // The other task ends when it is cancelled.
        try await Task.sleep(for: .seconds(1_000_000_000))
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}
