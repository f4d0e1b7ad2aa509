internal import Files
package import Foundation
internal import Glibc
internal import HTTPClient
internal import HTTPServer
internal import Threading

/// What an operator asks a daemon over a Unix socket: HTTP, as `curl --unix-socket` speaks it.
package enum ControlSocket {
  /// The socket's place where neither settings nor the service manager say another.
  package static let standardPath = "/run/sluice/control.sock"
  /// The longest path that Linux takes, in bytes.
  package static let pathLengthMax = 107
  static let request = "/reload"
  /// A large model takes minutes to load and to test.
  static let timeout = Duration.seconds(900)

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
    guard let url = URL(string: "http://localhost" + request) else {
      preconditionFailure("a constant")
    }
    do throws(TransportFailure) {
      let answer = try await CurlTransport(connectionsMax: 1).send(
        HTTPRequest(url: url, headers: [:], body: Data(), timeout: timeout, socket: path))
      return Answer(isGood: answer.status == 200, body: answer.body)
    } catch {
      switch error {
      case .connection(let words):
        throw Failure(description: "\(path): no daemon answers there (\(words))")
      case .timedOut: throw Failure(description: "\(path): the daemon did not answer in time")
      case .tooLarge, .cancelled:
        throw Failure(description: "\(path): the daemon's answer is not complete")
      }
    }
  }
}

/// Hears on a Unix socket that only its owner may use.
package struct ControlServer: Sendable {
  /// What to do, and whom to tell whether all went well, and what there is to say, as JSON.
  package typealias Reload = @Sendable (@escaping @Sendable (Bool, Data) -> Void) -> Void

  private let path: String
  private let reload: Reload

  /// A server that does not listen yet.
  package init(path: String, reload: @escaping Reload) {
    self.path = path
    self.reload = reload
  }

  /// Serves until the task is cancelled. A socket that an earlier process left is replaced.
  package func run() async throws {
    let question = Monitor(Question())
    let listener = try ListeningSocket(path: path) { try DurableFiles().move($0, to: $1) }
    defer { _ = unsafe unlink(path) }
    // Whoever may open the socket may do worse, so nothing there is ended for taking long.
    let limits = HTTPServer.Limits(connectionsPerAddress: 0, idleSeconds: 0)
    let server = try HTTPServer(on: listener, limits: limits) { request in
      guard request.path == ControlSocket.request else { return HTTPServer.Response(status: 404) }
      guard request.method == "POST" else {
        return HTTPServer.Response(status: 405, headers: ["Allow": "POST"])
      }
      return answer(question)
    }
    await withTaskCancellationHandler {
      await server.waitUntilCancelled()
    } onCancel: {
      question.update { $0.isOver = true }
    }
  }

  /// What was asked last: the server asks one after the other.
  private struct Question {
    var answer: HTTPServer.Response?
    var isOver = false
  }

  /// Waits for what comes of a request, but not beyond the server's end: this is its thread.
  private func answer(_ question: Monitor<Question>) -> HTTPServer.Response {
    question.update { $0.answer = nil }
    reload { isGood, body in
      let answer = HTTPServer.Response(
        status: isGood ? 200 : 409, headers: ["Content-Type": "application/json"], body: body)
      question.update { $0.answer = answer }
    }
    return question.wait { question in
      if let answer = question.answer { return .done(answer) }
      return question.isOver ? .done(HTTPServer.Response(status: 503)) : .sleep(atMost: nil)
    }
  }
}
