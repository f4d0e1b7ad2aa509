internal import Foundation
internal import Synchronization
internal import Threading

/// A TCP server in this process that says exactly what a test wants, connection by connection.
package final class RawServer: Sendable {
  /// A client's connection. It ends when the test's function returns.
  package struct Connection: Sendable {
    /// Counted from 0.
    package let number: Int
    fileprivate let socket: Socket

    /// The next request of HTTP; nil when the client has ended the connection.
    package func readRequest() -> Request? {
      var head: [UInt8] = []
      while !head.ends(with: "\r\n\r\n") {
        guard let byte = socket.read(1) else { return nil }
        head += byte
      }
      var request = Request(head: String(decoding: head, as: UTF8.self))
      if let length = request.header("Content-Length").flatMap({ Int($0) }) {
        guard let body = socket.read(length) else { return nil }
        request.body = body
      }
      return request
    }

    /// So many bytes; nil when the client has ended the connection before.
    package func read(_ count: Int) -> [UInt8]? { socket.read(count) }

    /// Writes a text; false when the client has ended the connection.
    @discardableResult
    package func write(_ text: String) -> Bool { socket.write(Array(text.utf8)) }

    /// Writes a whole answer with this body.
    @discardableResult
    package func answer(_ body: String, status: Int = 200, headers: String = "") -> Bool {
      write("HTTP/1.1 \(status) -\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    /// Returns when the client has ended the connection, whatever it still sends.
    package func waitForEnd() { while socket.read(1) != nil {} }
  }

  /// A request as it came.
  package struct Request: Sendable {
    /// The first line and the headers.
    package let head: String
    package fileprivate(set) var body: [UInt8] = []

    /// A header's value.
    package func header(_ name: String) -> String? {
      for line in head.split(separator: "\r\n").dropFirst() {
        let parts = line.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { continue }
        return String(parts[1].drop(while: \.isWhitespace))
      }
      return nil
    }

    fileprivate init(head: String) { self.head = head }
  }

  private struct State {
    var sockets: [Socket] = []
    var isOver = false
  }

  package let port: UInt16
  /// The address, such as `http://127.0.0.1:8080`.
  package var url: String { "http://127.0.0.1:\(port)" }
  private let listener: Socket
  private let state = Mutex(State())

  /// Serves each connection on a thread of its own.
  package init(_ serve: @escaping @Sendable (Connection) -> Void) throws {
    guard let listener = Socket.listener() else { throw CancellationError() }
    self.listener = listener
    port = listener.port
    _ = BlockingThread(name: "raw server") { [state = Weak(self)] in
      while let socket = listener.accepted() {
        guard let number = state.value?.admit(socket) else { return socket.shut() }
        _ = BlockingThread(name: "raw connection") {
          serve(Connection(number: number, socket: socket))
          socket.shut()
        }
      }
    }
  }

  deinit { stop() }

  /// Connections so far.
  package var connectionCount: Int { state.withLock { $0.sockets.count } }

  /// Cuts every connection and listens no more.
  package func stop() {
    listener.shut()
    let sockets = state.withLock { state in
      state.isOver = true
      return state.sockets
    }
    for socket in sockets { socket.shut() }
  }

  /// The connection's number; nil when no more are served.
  private func admit(_ socket: Socket) -> Int? {
    state.withLock { state in
      if state.isOver { return nil }
      state.sockets.append(socket)
      return state.sockets.count - 1
    }
  }
}

/// A server that its own thread does not keep.
private struct Weak: Sendable {
  weak let value: RawServer?

  init(_ value: RawServer) { self.value = value }
}

/// A port of 127.0.0.1 to which no connection ever comes about: its queue is full.
package final class FullPort: Sendable {
  private let listener: Socket
  private let waiting: Socket
  package var port: UInt16 { listener.port }

  package init() throws {
    guard let listener = Socket.listener(waitingMax: 0),
      let waiting = Socket.connected(to: listener.port)
    else { throw CancellationError() }
    self.listener = listener
    self.waiting = waiting
  }

  /// Whether somebody waits for a connection, as the system's table says: its third column is the
  /// other side's address, and the fourth is 02 where nothing has come back yet.
  package var isAwaited: Bool {
    // Foundation's other ways of reading take the table's first page for all of it.
    let data = (try? FileHandle(forReadingAtPath: "/proc/net/tcp")?.readToEnd()) ?? Data()
    let table = String(decoding: data, as: UTF8.self)
    let digits = String(port, radix: 16, uppercase: true)
    let address = ":" + String(repeating: "0", count: 4 - digits.count) + digits
    return table.split(separator: "\n").contains { line in
      let columns = line.split(separator: " ")
      return columns.count > 3 && columns[2].hasSuffix(address) && columns[3] == "02"
    }
  }
}

extension [UInt8] {
  fileprivate func ends(with text: String) -> Bool {
    suffix(text.utf8.count).elementsEqual(text.utf8)
  }
}
