internal import Foundation
internal import Synchronization

/// A collector of traces over OTLP/HTTP that keeps what it is sent, and answers as its script says.
package final class TraceCollector: Sendable {
  /// What it answers to one request.
  package struct Answer: Sendable {
    package var status = 200
    package var headers = ""
    package var body = #"{"partialSuccess":{}}"#

    package init(
      status: Int = 200, headers: String = "", body: String = #"{"partialSuccess":{}}"#
    ) {
      self.status = status
      self.headers = headers
      self.body = body
    }
  }

  /// A span as it came.
  package struct Span: Decodable, Sendable {
    package struct Attribute: Decodable, Sendable {
      package struct Value: Decodable, Sendable {
        package let stringValue: String?
        package let intValue: String?
        package let doubleValue: Double?
      }
      package let key: String
      package let value: Value
    }
    package struct Link: Decodable, Sendable {
      package let traceId: String
      package let spanId: String
    }
    package struct Status: Decodable, Sendable {
      package let code: Int
    }

    package let traceId: String
    package let spanId: String
    package let parentSpanId: String?
    package let name: String
    package let kind: Int
    package let startTimeUnixNano: String
    package let endTimeUnixNano: String
    package let attributes: [Attribute]
    package let links: [Link]
    package let status: Status?

    /// The value of an attribute as text.
    package subscript(_ name: String) -> String? {
      attributes.first { $0.key == name }.flatMap {
        $0.value.stringValue ?? $0.value.intValue ?? $0.value.doubleValue.map { "\($0)" }
      }
    }
  }

  private struct Document: Decodable {
    struct Resource: Decodable {
      let scopeSpans: [Scope]
    }
    struct Scope: Decodable {
      let spans: [Span]
    }
    let resourceSpans: [Resource]
  }

  private struct State {
    var script: [Answer]
    var requests: [RawServer.Request] = []
  }

  private let state: Box
  private let server: RawServer

  /// What the connections' threads share with the collector.
  private final class Box: Sendable {
    let value: Mutex<State>
    init(_ state: State) { value = Mutex(state) }
  }

  /// - Parameter script: its first answers; then it takes everything.
  package init(_ script: [Answer] = []) throws {
    let state = Box(State(script: script))
    self.state = state
    server = try RawServer { connection in
      while let request = connection.readRequest() {
        let answer = state.value.withLock { state in
          state.requests.append(request)
          return state.script.isEmpty ? Answer() : state.script.removeFirst()
        }
        connection.answer(answer.body, status: answer.status, headers: answer.headers)
      }
    }
  }

  /// The address, without a path.
  package var url: String { server.url }

  /// All requests so far.
  package var requests: [RawServer.Request] { state.value.withLock { $0.requests } }

  /// The spans of all requests so far, those of repeated ones again.
  package func spans() throws -> [Span] {
    try requests.flatMap { request in
      try JSONDecoder().decode(Document.self, from: Data(request.body)).resourceSpans
        .flatMap(\.scopeSpans).flatMap(\.spans)
    }
  }

  /// What OpenTelemetry's own definition of the protocol says against the requests; empty where
  /// every field of each is one that it knows, with a value of its type.
  package func complaints() throws -> String {
    let directory = try TemporaryDirectory()
    var files: [String] = []
    for (number, request) in requests.enumerated() {
      let file = "\(directory.path)/\(number).json"
      try Data(request.body).write(to: URL(filePath: file))
      files.append(file)
    }
    let output = directory.path + "/out"
    let process = try ChildProcess(
      try TestProgram.path("python3"),
      [SourceTree.url("Tests/Fixtures/check_otlp.py").path] + files, output: output)
    let ending = process.wait(within: .seconds(60))
    let text = try String(contentsOfFile: output, encoding: .utf8)
    return ending == .exited(0) ? text : "\(String(describing: ending)): \(text)"
  }
}
