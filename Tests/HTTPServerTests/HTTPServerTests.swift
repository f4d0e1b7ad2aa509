import Foundation
import FoundationNetworking
import Glibc
import HTTPClient
import HTTPServer
import TestSupport
import Testing

/// What the server hears, and what it says.
@Suite struct HTTPServerTests {
  /// A server that tells what it was asked.
  static func echo(_ listener: consuming ListeningSocket) throws -> HTTPServer {
    try HTTPServer(on: listener, limits: HTTPServer.Limits()) { request in
      HTTPServer.Response(
        status: request.path == "/gone" ? 410 : 200, headers: ["X-Method": request.method],
        body: Data("\(request.path) \(request.accept ?? "-")".utf8))
    }
  }

  private func answer(
    _ url: String, method: String = "GET", body: Data? = nil
  ) async throws -> (status: Int, method: String?, text: String) {
    var request = URLRequest(url: try #require(URL(string: url)), timeoutInterval: 30)
    request.httpMethod = method
    request.httpBody = body
    request.setValue("text/x", forHTTPHeaderField: "Accept")
    let (data, response) = try await URLSession.shared.data(for: request)
    let head = try #require(response as? HTTPURLResponse)
    return (
      head.statusCode, head.value(forHTTPHeaderField: "X-Method"),
      String(decoding: data, as: UTF8.self)
    )
  }

  @Test func requestsArriveAndAnswersGoBack() async throws {
    let port = freeLoopbackPort()
    let server = try Self.echo(ListeningSocket(address: "127.0.0.1", port: port))
    let place = "http://127.0.0.1:\(port)"
    #expect(try await answer("\(place)/a?b=c") == (200, "GET", "/a text/x"))
    #expect(try await answer("\(place)/gone") == (410, "GET", "/gone text/x"))
    #expect(try await answer("\(place)/%C3%A4") == (200, "GET", "/ä text/x"))
    #expect(try await answer("\(place)/%ff") == (200, "GET", "/\u{fffd} text/x"))
    let posted = try await answer("\(place)/p", method: "POST", body: Data(count: 60_000))
    #expect(posted == (200, "POST", "/p text/x"))
    #expect(try await answer("\(place)/h", method: "HEAD") == (200, "HEAD", ""))
    withExtendedLifetime(server) {}
  }

  /// One connection carries many requests, and ends when the client says so.
  @Test func aConnectionIsUsedAgain() throws {
    let port = freeLoopbackPort()
    let server = try Self.echo(ListeningSocket(address: "127.0.0.1", port: port))
    let client = try #require(Socket.connected(to: port))
    #expect(client.write(Array("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n".utf8)))
    #expect(client.write(Array("GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)))
    let (bytes, isEnded) = client.readUntilEnd(pause: .seconds(20))
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(isEnded && text.contains("\r\n\r\n/1 -HTTP/1.1 200 OK\r\n") && text.hasSuffix("/2 -"))
    withExtendedLifetime(server) {}
  }

  private static let hasIPv6 =
    (try? ListeningSocket(address: "::1", port: 0)) != nil

  @Test(.enabled(if: hasIPv6), arguments: [("::1", ["[::1]"]), ("::", ["[::1]", "127.0.0.1"])])
  func anAddressMayBeOfVersionSix(address: String, hosts: [String]) async throws {
    let port = freeLoopbackPort()
    let server = try Self.echo(ListeningSocket(address: address, port: port))
    // URLSession takes no such address.
    let client = CurlTransport(connectionsMax: 2)
    for host in hosts {
      let url = try #require(URL(string: "http://\(host):\(port)/a"))
      let answer = try await client.send(
        HTTPRequest(url: url, headers: [:], body: nil, timeout: .seconds(30)))
      #expect(answer.status == 200 && answer.body == Data("/a */*".utf8), "\(host)")
    }
    withExtendedLifetime(server) {}
  }

  @Test func whereNobodyCanListenItSaysWhy() throws {
    let port = freeLoopbackPort()
    let first = try Self.echo(ListeningSocket(address: "127.0.0.1", port: port))
    let cases: [(String, UInt16, String)] = [
      ("127.0.0.1", port, "127.0.0.1:\(port): Address already in use"),
      ("192.0.2.1", port, "192.0.2.1:\(port): Cannot assign requested address"),
      ("localhost", port, "localhost:\(port): not an address"),
      ("::1%", 1, "[::1%]:1: not an address"),
    ]
    for (address, port, reason) in cases {
      let failure = #expect(throws: ListenFailure.self) {
        _ = try ListeningSocket(address: address, port: port)
      }
      #expect(failure?.description == reason)
    }
    withExtendedLifetime(first) {}
  }

  /// Only the owner may use it, from the moment at which it is there.
  @Test func aPathIsItsOwnersAlone() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/s"
    for _ in 0..<2 {
      var modes: [UInt32] = []
      let listener = try ListeningSocket(path: path) { from, to in
        var status = stat()
        _ = unsafe stat(from, &status)
        modes.append(status.st_mode & 0o777)
        guard unsafe rename(from, to) == 0 else { throw CancellationError() }
      }
      #expect(modes == [0o600])
      let server = try Self.echo(listener)
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["s"])
      withExtendedLifetime(server) {}
    }
    let long = directory.path + "/" + String(repeating: "s", count: 100)
    let failure = #expect(throws: ListenFailure.self) {
      _ = try ListeningSocket(path: long) { _, _ in }
    }
    #expect(failure?.description.hasSuffix("a socket's path has at most 107 bytes") == true)
    #expect(throws: CancellationError.self) {
      _ = try ListeningSocket(path: path) { _, _ in throw CancellationError() }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["s"])
  }
}
