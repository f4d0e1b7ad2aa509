import Foundation
import Synchronization
import TestSupport
import Testing
import Threading

import HTTPClient

/// The transport against servers that say exactly what a test wants.
@Suite struct CurlTransportTests {
  private func transport(_ connectionsMax: Int = 4, answerBytesMax: Int = 1 << 20) -> CurlTransport
  {
    CurlTransport(connectionsMax: connectionsMax, answerBytesMax: answerBytesMax)
  }

  private static func isConnection(_ failure: TransportFailure?) -> Bool {
    if case .connection = failure { true } else { false }
  }

  // MARK: Requests and answers

  @Test func requestsSayWhatTheyShouldAndNoMore() async throws {
    let requests = Mutex<[RawServer.Request]>([])
    let server = try RawServer { connection in
      while let request = connection.readRequest() {
        requests.withLock { $0.append(request) }
        connection.answer("fine", headers: "Set-Cookie: a=b\r\nRetry-After:  7 \r\n")
      }
    }
    defer { server.stop() }
    let transport = transport()
    let body = Data(repeating: 0, count: 3 << 20)
    for body in [body, Data(), nil] {
      let answer = try await transport.send(
        .to(server.url + "/v1/x", headers: ["Authorization": "Bearer k"], body: body))
      #expect(answer.status == 200)
      #expect(answer.retryAfter == "7")
      #expect(answer.text == "fine")
    }
    let heads = requests.withLock { $0.map { $0.head.split(separator: "\r\n").sorted() } }
    let host = "Host: 127.0.0.1:\(server.port)"
    let common = [host, "Accept: */*", "Authorization: Bearer k"]
    let form = "Content-Type: application/x-www-form-urlencoded"
    for (head, size) in zip(heads, [body.count, 0]) {
      let lines = common + ["POST /v1/x HTTP/1.1", "Content-Length: \(size)", form]
      #expect(head.map(String.init) == lines.sorted())
    }
    #expect(heads[2].map(String.init) == (common + ["GET /v1/x HTTP/1.1"]).sorted())
    #expect(requests.withLock { $0[0].body } == Array(body))
    #expect(server.connectionCount == 1, "a connection is used again")
  }

  @Test func chunksAndEarlyHintsAreUnderstood() async throws {
    let server = try RawServer { connection in
      while connection.readRequest() != nil {
        connection.write("HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n")
        connection.write("HTTP/1.1 503 -\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in ["3\r\nabc\r\n", "1;x=y\r\nd\r", "\n0\r\n", "Retry-After: 8\r\n\r\n"] {
          connection.write(part)
        }
      }
    }
    defer { server.stop() }
    let transport = transport()
    for _ in 0..<2 {
      let answer = try await transport.send(.to(server.url))
      #expect(answer.status == 503)
      #expect(answer.retryAfter == nil, "neither a hint nor a trailer is a header")
      #expect(answer.text == "abcd")
    }
    #expect(server.connectionCount == 1)
  }

  @Test func manyRequestsShareAFewConnections() async throws {
    let count = 64
    let connectionsMax = 8
    let open = Monitor(0)
    let server = try RawServer { connection in
      while let request = connection.readRequest() {
        // The first answers go out once all connections have a request: they are used together.
        open.update { $0 += 1 }
        open.wait { $0 >= connectionsMax ? .done(()) : .sleep(atMost: .seconds(60)) }
        connection.answer(String(decoding: request.body, as: UTF8.self))
      }
    }
    defer { server.stop() }
    let transport = transport(connectionsMax)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<count {
        group.addTask {
          let answer = try await transport.send(
            .to(server.url, body: Data("number \(number)".utf8)))
          #expect(answer.text == "number \(number)")
        }
      }
      try await group.waitForAll()
    }
    #expect(server.connectionCount == connectionsMax)
  }

  @Test func aConnectionThatTheServerClosedIsReplaced() async throws {
    let server = try RawServer { connection in
      if connection.readRequest() != nil { connection.answer("\(connection.number)") }
    }
    defer { server.stop() }
    let transport = transport()
    for number in 0..<5 {
      #expect(try await transport.send(.to(server.url)).text == "\(number)")
    }
  }

  // MARK: Failures

  @Test func aPortWithoutAServerIsRefused() async throws {
    let transport = transport()
    let failure = await #expect(throws: TransportFailure.self) {
      try await transport.send(.to("http://127.0.0.1:\(freeLoopbackPort())"))
    }
    #expect(failure == .connection("Couldn't connect to server: Connection refused"))
  }

  @Test(arguments: [
    "", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "SSH-2.0-x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
  ])
  func anAnswerThatBreaksOffIsAFailure(answer: String) async throws {
    let server = try RawServer { connection in
      if connection.readRequest() != nil { connection.write(answer) }
    }
    defer { server.stop() }
    let transport = transport()
    let failure = await #expect(throws: TransportFailure.self) {
      try await transport.send(.to(server.url))
    }
    #expect(Self.isConnection(failure), "\(String(describing: failure))")
  }

  /// Answers without end: a declared length, chunks, whatever comes until the connection ends.
  @Test(arguments: ["Content-Length: 9000000000000\r\n", "Transfer-Encoding: chunked\r\n", ""])
  func anAnswerWithoutEndIsGivenUp(headers: String) async throws {
    let part = String(repeating: "x", count: 4096)
    let isChunked = headers.hasPrefix("Transfer")
    let server = try RawServer { connection in
      guard connection.readRequest() != nil else { return }
      connection.write("HTTP/1.1 200 OK\r\n\(headers)\r\n")
      while connection.write(isChunked ? "1000\r\n\(part)\r\n" : part) {}
    }
    defer { server.stop() }
    let transport = transport(answerBytesMax: 100_000)
    await #expect(throws: TransportFailure.tooLarge) {
      try await transport.send(.to(server.url))
    }
  }

  @Test func theLimitItselfIsAllowed() async throws {
    let server = try RawServer { connection in
      while let request = connection.readRequest() {
        let size = request.head.hasPrefix("GET /more") ? 1001 : 1000
        connection.answer(String(repeating: "x", count: size))
      }
    }
    defer { server.stop() }
    let transport = transport(answerBytesMax: 1000)
    #expect(try await transport.send(.to(server.url + "/limit")).body.count == 1000)
    await #expect(throws: TransportFailure.tooLarge) {
      try await transport.send(.to(server.url + "/more"))
    }
  }

  @Test func aHeadWithoutEndIsGivenUp() async throws {
    let server = try RawServer { connection in
      guard connection.readRequest() != nil else { return }
      connection.write("HTTP/1.1 200 OK\r\n")
      let line = "X-Header: \(String(repeating: "x", count: 1000))\r\n"
      while connection.write(line) {}
    }
    defer { server.stop() }
    let transport = transport()
    let failure = await #expect(throws: TransportFailure.self) {
      try await transport.send(.to(server.url))
    }
    #expect(Self.isConnection(failure), "\(String(describing: failure))")
  }

  /// The time counts for the whole exchange, however much of an answer drips in meanwhile.
  @Test(arguments: [
    "", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "HTTP/1.1 200 OK\r\n",
  ])
  func aSlowAnswerTimesOut(beginning: String) async throws {
    let server = try RawServer { connection in
      guard connection.readRequest() != nil else { return }
      guard !beginning.isEmpty else { return connection.waitForEnd() }
      var isOpen = connection.write(beginning)
      while isOpen {
        usleep(20_000)  // sleeps: the answer drips
        isOpen = connection.write("x")
      }
    }
    defer { server.stop() }
    let transport = transport()
    await #expect(throws: TransportFailure.timedOut) {
      try await transport.send(.to(server.url, seconds: 0.3))
    }
  }

  @Test func aRequestThatWaitsForAConnectionTimesOut() async throws {
    let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
    let server = try RawServer { connection in
      _ = connection.readRequest()
      arrival.yield()
      connection.waitForEnd()
    }
    defer { server.stop() }
    let transport = transport(1)
    let first = Task { try await transport.send(.to(server.url)) }
    for await _ in arrivals { break }
    await #expect(throws: TransportFailure.timedOut) {
      try await transport.send(.to(server.url, seconds: 0.3))
    }
    first.cancel()
    await #expect(throws: TransportFailure.cancelled) { try await first.value }
  }

  @Test func aConnectionThatDoesNotComeAboutTimesOut() async throws {
    let port = try FullPort()
    defer { withExtendedLifetime(port) {} }
    let transport = transport()
    await #expect(throws: TransportFailure.timedOut) {
      try await transport.send(.to("http://127.0.0.1:\(port.port)", seconds: 0.3))
    }
  }

  @Test(arguments: [
    "ftp://127.0.0.1/x", "file:///etc/passwd", "http:///x", "x", "http://127.0.0.1:99999/",
    "http://[::1/",
  ])
  func addressesThatAreNoneAreRefused(url: String) async throws {
    guard let url = URL(string: url) else { return }
    let transport = transport()
    let failure = await #expect(throws: TransportFailure.self) {
      try await transport.send(
        HTTPRequest(url: url, headers: [:], body: nil, timeout: .seconds(60)))
    }
    #expect(Self.isConnection(failure), "\(String(describing: failure))")
  }

  @Test(arguments: ["a\r\nX-Forged: b", "a\nb", "a\rb", "a\0b", "a\u{7f}"])
  func aHeaderCannotForgeAnother(value: String) async throws {
    let server = try RawServer { connection in
      while connection.readRequest() != nil { connection.answer("") }
    }
    defer { server.stop() }
    let transport = transport()
    for headers in [["Authorization": value], [value: "x"]] {
      let failure = await #expect(throws: TransportFailure.self) {
        try await transport.send(.to(server.url, headers: headers))
      }
      #expect(failure == .connection("a header has a control character"))
    }
    #expect(server.connectionCount == 0)
  }

  @Test func theEnvironmentNamesNoProxyAndNoPassword() async {
    await #expect(processExitsWith: .success) {
      let server = try RawServer { connection in
        if let request = connection.readRequest() { connection.answer(request.head) }
      }
      defer { server.stop() }
      let home = try TemporaryDirectory()
      try Data("machine 127.0.0.1 login a password b".utf8).write(
        to: URL(filePath: home.path + "/.netrc"))
      unsafe setenv("HOME", home.path, 1)
      for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        unsafe setenv(name, "http://127.0.0.1:\(freeLoopbackPort())", 1)
      }
      let head = try await CurlTransport(connectionsMax: 1).send(.to(server.url)).text
      exit(head.hasPrefix("GET / HTTP/1.1") && !head.contains("Authorization") ? 0 : 1)
    }
  }
}
