import Foundation
import TestSupport
import Testing

import HTTPClient

/// The transport and TLS: who is trusted, and which HTTP is spoken.
@Suite(.serialized) struct CurlSecurityTests {
  @Test(arguments: [
    (TLSServer.WebProtocol.h2, "h2"), (.http1, "h1"), (.none, "h1"),
  ])
  func theServersHTTPIsSpokenOverAsFewConnectionsAsItTakes(
    webProtocol: TLSServer.WebProtocol, spoken: String
  ) async throws {
    let server = try TLSServer(webProtocol)
    defer { server.stop() }
    let transport = CurlTransport(connectionsMax: 3, certificateFile: server.certificateFile)
    let url = server.url
    let answers = try await withThrowingTaskGroup(of: String.self) { group in
      for number in 0..<12 {
        group.addTask {
          let body = number % 2 == 0 ? nil : Data(count: number * 1000)
          return try await transport.send(.to(url, body: body)).text
        }
      }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    let connections = webProtocol == .h2 ? 1 : 3
    #expect(answers.isSubset(of: (0..<connections).map { "\(spoken) \($0)" }))
  }

  @Test func aCertificateThatNobodyKnowsIsRefused() async throws {
    let server = try TLSServer(.http1)
    defer { server.stop() }
    let transport = CurlTransport(connectionsMax: 1)
    let failure = await #expect(throws: TransportFailure.self) {
      try await transport.send(.to(server.url))
    }
    #expect(failure == .connection("SSL peer certificate or SSH remote key was not OK"))
  }

  @Test(arguments: ["DNS:example.org", "IP:127.0.0.2"])
  func anothersCertificateIsRefused(host: String) async throws {
    let server = try TLSServer(.http1, host: host)
    defer { server.stop() }
    let transport = CurlTransport(connectionsMax: 1, certificateFile: server.certificateFile)
    let failure = await #expect(throws: TransportFailure.self) {
      try await transport.send(.to(server.url))
    }
    #expect(failure == .connection("SSL peer certificate or SSH remote key was not OK"))
  }

  /// Writing to a connection that the other side has cut raises SIGPIPE unless libcurl prevents it.
  @Test func aServerThatGoesInTheMiddleOfARequestEndsNoProcess() async throws {
    let server = try TLSServer(.cutting)
    defer { server.stop() }
    await #expect(processExitsWith: .success) {
      [url = server.url as String, certificateFile = server.certificateFile as String] in
      signal(SIGPIPE, SIG_DFL)
      let transport = CurlTransport(connectionsMax: 1, certificateFile: certificateFile)
      for _ in 0..<20 {
        let failure = await #expect(throws: TransportFailure.self) {
          try await transport.send(.to(url, body: Data(count: 16 << 20)))
        }
        guard case .connection = failure else { exit(1) }
      }
    }
  }

  @Test func aServerWithoutTLSIsRefused() async throws {
    let server = try RawServer { connection in
      connection.answer("plain")
      connection.waitForEnd()
    }
    defer { server.stop() }
    let transport = CurlTransport(connectionsMax: 1)
    let failure = await #expect(throws: TransportFailure.self) {
      try await transport.send(.to(server.url.replacing("http://", with: "https://")))
    }
    #expect(failure == .connection("SSL connect error"))
  }
}
