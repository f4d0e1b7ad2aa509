import Foundation
import Synchronization
import TestSupport
import Testing
import Threading

import HTTPClient

/// How requests over libcurl end before their time, and the transport with them.
@Suite struct CurlCancellationTests {
  /// Where a request stands when its task is cancelled.
  enum Phase: CaseIterable { case handshake, sending, waiting, receivingHead, receiving }

  @Test(arguments: Phase.allCases)
  func aCancelledTaskEndsItsRequestAtOnce(phase: Phase) async throws {
    let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
    let (endings, ending) = AsyncStream.makeStream(of: Void.self)
    let server = try RawServer { connection in
      switch phase {
      case .handshake, .sending: _ = connection.read(1)
      case .waiting: _ = connection.readRequest()
      case .receivingHead:
        _ = connection.readRequest()
        connection.write("HTTP/1.1 200")
      case .receiving:
        _ = connection.readRequest()
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
      }
      arrival.yield()
      connection.waitForEnd()
      ending.yield()
    }
    defer { server.stop() }
    let scheme = phase == .handshake ? "https" : "http"
    let body = phase == .sending ? Data(count: 64 << 20) : nil
    let transport = CurlTransport(connectionsMax: 4)
    let task = Task {
      try await transport.send(.to("\(scheme)://127.0.0.1:\(server.port)", body: body))
    }
    for await _ in arrivals { break }
    task.cancel()
    await #expect(throws: TransportFailure.cancelled) { try await task.value }
    for await _ in endings { break }
  }

  @Test func aConnectionThatDoesNotComeAboutIsGivenUpAtOnce() async throws {
    let full = try FullPort()
    defer { withExtendedLifetime(full) {} }
    let transport = CurlTransport(connectionsMax: 1)
    let task = Task { try await transport.send(.to("http://127.0.0.1:\(full.port)")) }
    #expect(await eventually { full.isAwaited })
    task.cancel()
    await #expect(throws: TransportFailure.cancelled) { try await task.value }
    #expect(!full.isAwaited)
  }

  @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
    let server = try RawServer { connection in connection.waitForEnd() }
    defer { server.stop() }
    let transport = CurlTransport(connectionsMax: 4)
    for _ in 0..<100 {
      let task = Task {
        while !Task.isCancelled { await Task.yield() }
        return try await transport.send(.to(server.url))
      }
      task.cancel()
      await #expect(throws: TransportFailure.cancelled) { try await task.value }
    }
    #expect(server.connectionCount == 0)
  }

  @Test func cancellingOneOfManyLeavesTheOthers() async throws {
    let server = try RawServer { connection in
      while let request = connection.readRequest() {
        connection.answer(String(decoding: request.body, as: UTF8.self))
      }
    }
    defer { server.stop() }
    let transport = CurlTransport(connectionsMax: 2)
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<400 {
        group.addTask {
          let task = Task {
            try await transport.send(.to(server.url, body: Data("\(number)".utf8))).text
          }
          if number % 2 == 0 { task.cancel() }
          switch await task.result {
          case .success(let text): #expect(text == "\(number)")
          case .failure(let failure):
            #expect(number % 2 == 0 && failure as? TransportFailure == .cancelled)
          }
        }
      }
    }
  }

  @Test func threadAndConnectionsGoWithTheTransport() async throws {
    let (endings, ending) = AsyncStream.makeStream(of: Void.self)
    let server = try RawServer { connection in
      if connection.readRequest() != nil { connection.answer("x") }
      connection.waitForEnd()
      ending.yield()
    }
    defer { server.stop() }
    var transport: CurlTransport? = CurlTransport(connectionsMax: 4)
    weak let watched = transport
    _ = try await transport?.send(.to(server.url))
    let thread = try #require(transport?.thread)
    transport = nil
    #expect(watched == nil)
    #expect(thread.join(atMost: .seconds(60)))
    for await _ in endings { break }
  }

  @Test func whatIsOnItsWayIsAnsweredAfterTheTransportWent() async throws {
    let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
    let mayAnswer = Monitor(false)
    let server = try RawServer { connection in
      guard connection.readRequest() != nil else { return }
      arrival.yield()
      mayAnswer.wait { $0 ? .done(()) : .sleep(atMost: nil) }
      connection.answer("late")
    }
    defer { server.stop() }
    var transport: CurlTransport? = CurlTransport(connectionsMax: 4)
    let thread = try #require(transport?.thread)
    let task = Task { [transport] in try await transport?.send(.to(server.url)) }
    for await _ in arrivals { break }
    transport = nil
    mayAnswer.update { $0 = true }
    #expect(try await task.value?.text == "late")
    #expect(thread.join(atMost: .seconds(60)))
  }
}
