import Foundation
import FoundationNetworking
import HTTPServer
import Synchronization
import TestSupport
import Testing

/// What clients do that are slow, many, endless or no clients at all.
@Suite struct HTTPServerLimitTests {
  private let port = freeLoopbackPort()

  private func server(_ limits: HTTPServer.Limits) throws -> HTTPServer {
    try HTTPServer(on: ListeningSocket(address: "127.0.0.1", port: port), limits: limits) { _ in
      HTTPServer.Response(body: Data("here".utf8))
    }
  }

  /// What the server says to a good client at another address than the bad ones have.
  private func goodClient(host: UInt8 = 9, pause: Duration = .seconds(20)) -> String? {
    guard let client = Socket.connected(to: port, fromHost: host),
      client.write(Array("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8))
    else { return nil }
    let (bytes, isEnded) = client.readUntilEnd(pause: pause)
    return isEnded ? String(decoding: bytes, as: UTF8.self) : nil
  }

  private var isServed: Bool { goodClient()?.hasSuffix("\r\n\r\nhere") == true }

  @Test func anAddressTakesNoMoreThanItsShare() throws {
    let server = try server(
      HTTPServer.Limits(connections: 20, connectionsPerAddress: 5, idleSeconds: 0))
    let clients = (0..<50).compactMap { _ in Socket.connected(to: port) }
    #expect(clients.count == 50)
    // Answered in the order of connections, so all of them have been looked at.
    #expect(isServed)
    let ended = clients.filter { $0.readUntilEnd(pause: .milliseconds(1)).isEnded }
    #expect(ended.count == 45)
    withExtendedLifetime((server, clients)) {}
  }

  /// The connections are all taken, from many addresses: the next client waits until one ends.
  @Test func whoFindsNoPlaceWaitsForOne() throws {
    let server = try server(
      HTTPServer.Limits(connections: 4, connectionsPerAddress: 0, idleSeconds: 2))
    let clients = (2..<6).compactMap { Socket.connected(to: port, fromHost: $0) }
    #expect(clients.count == 4)
    let start = ContinuousClock.now
    #expect(isServed)
    #expect(ContinuousClock.now - start >= .milliseconds(500), "there was room")
    withExtendedLifetime((server, clients)) {}
  }

  @Test(arguments: ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nA: b", "GET / HTTP/1.1\r\n\r\n"])
  func whatIsIdleIsEnded(beginning: String) throws {
    let server = try server(HTTPServer.Limits(idleSeconds: 1))
    let client = try #require(Socket.connected(to: port))
    #expect(client.write(Array(beginning.utf8)))
    #expect(client.readUntilEnd(pause: .seconds(20)).isEnded)
    withExtendedLifetime(server) {}
  }

  /// A head without an end costs no more memory than one connection has.
  @Test(arguments: ["GET / HTTP/1.1\r\nA: ", "GET /", "GET / HTTP/1.1\r\n", ""])
  func aHeadWithoutEndIsRefused(beginning: String) throws {
    let server = try server(HTTPServer.Limits())
    let client = try #require(Socket.connected(to: port))
    _ = client.write(Array(beginning.utf8))
    let part: [UInt8] =
      beginning.hasSuffix("\r\n")
      ? Array(String(repeating: "A: b\r\n", count: 1_000).utf8)
      : [UInt8](repeating: UInt8(ascii: "a"), count: 6_000)
    var sent = 0
    while sent < 64 << 20, client.write(part) { sent += part.count }
    // What the system keeps between both sides may be megabytes.
    #expect(sent < 64 << 20)
    #expect(isServed)
    withExtendedLifetime(server) {}
  }

  @Test(arguments: ["Content-Length: 1099511627776", "Transfer-Encoding: chunked"])
  func aBodyWithoutEndIsEnded(header: String) throws {
    let server = try server(HTTPServer.Limits())
    let client = try #require(Socket.connected(to: port))
    _ = client.write(Array("POST / HTTP/1.1\r\nHost: x\r\n\(header)\r\n\r\n".utf8))
    let part = Array(("1000\r\n" + String(repeating: "a", count: 4_096) + "\r\n").utf8)
    var sent = 0
    while sent < 64 << 20, client.write(part) { sent += part.count }
    #expect(sent < 64 << 20)
    #expect(isServed)
    withExtendedLifetime(server) {}
  }

  /// Requests with bytes changed, left out, doubled and made up: each is answered or ended, and the
  /// next client is served.
  @Test(arguments: 0..<8 as Range<UInt64>)
  func whateverComesTheNextClientIsServed(seed: UInt64) throws {
    let server = try server(HTTPServer.Limits(idleSeconds: 1))
    var random = SeededGenerator(seed: seed)
    let seeds = [
      "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain;q=0.5,*/*\r\n\r\n",
      "POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
      "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
      "GET / HTTP/1.0\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
      "HEAD /%e4%zz?a=b&c HTTP/1.1\r\nHost: x\r\n folded: y\r\nRange: bytes=0-1\r\n\r\n",
    ].map { Array($0.utf8) }
    for _ in 0..<100 {
      var bytes = seeds.randomElement(using: &random) ?? []
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        case 2: bytes.insert(contentsOf: bytes[place...].prefix(64), at: place)
        case 3: bytes.insert(contentsOf: [UInt8](repeating: 0x39, count: 24), at: place)
        default: bytes.removeLast(bytes.count - max(place, 1))
        }
        if bytes.isEmpty { bytes = [0] }
      }
      let client = try #require(Socket.connected(to: port))
      _ = client.write(bytes)
      _ = client.readUntilEnd(pause: .milliseconds(2))
    }
    #expect(isServed)
    withExtendedLifetime(server) {}
  }

  /// Clients that are connected, and one that is being answered, do not hold up the end.
  @Test func theEndComesWhoeverIsConnected() throws {
    let isAsked = Mutex(false)
    var server: HTTPServer? = try HTTPServer(
      on: ListeningSocket(address: "127.0.0.1", port: port), limits: HTTPServer.Limits()
    ) { _ in
      isAsked.withLock { $0 = true }
      return HTTPServer.Response(body: Data(count: 50 << 20))
    }
    let clients = (0..<5).compactMap { _ in Socket.connected(to: port) }
    #expect(clients[0].write(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)))
    #expect(clients[1].write(Array("GET / HT".utf8)))
    #expect(comesAbout { isAsked.withLock { $0 } })
    let start = ContinuousClock.now
    _ = server
    server = nil
    #expect(ContinuousClock.now - start < .seconds(10))
    for client in clients {
      #expect(client.readUntilEnd(pause: .seconds(20), bytesMax: 100 << 20).isEnded)
    }
    #expect(Socket.connected(to: port) == nil)
  }
}
