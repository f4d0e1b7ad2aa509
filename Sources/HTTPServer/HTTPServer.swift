internal import CMicroHTTPD
package import Foundation

/// A small HTTP/1.1 server by libmicrohttpd, with a thread of its own. It lives as long as its
/// owner.
///
/// Whoever connects can take no more than `Limits` of it: what is idle for too long is ended, a
/// head that does not fit is refused, and so are too many connections of one address. Where all
/// connections are taken the next ones wait.
@safe package final class HTTPServer: @unchecked Sendable {
  // @unchecked Sendable: nothing changes after `init`, and only `deinit` uses the pointer again.

  /// What a client may take.
  package struct Limits: Hashable, Sendable {
    package var connections: UInt32
    /// Of one address; 0 for no limit, as between processes of one host.
    package var connectionsPerAddress: UInt32
    /// How long a connection may neither send nor take anything; 0 for ever.
    package var idleSeconds: UInt32
    /// For the head of a request, and for what goes out at once.
    package var connectionBytes: Int
    /// Of a request's body, which nobody reads.
    package var bodyBytes: Int

    package init(
      connections: UInt32 = 64, connectionsPerAddress: UInt32 = 32, idleSeconds: UInt32 = 30,
      connectionBytes: Int = 32 << 10, bodyBytes: Int = 64 << 10
    ) {
      self.connections = connections
      self.connectionsPerAddress = connectionsPerAddress
      self.idleSeconds = idleSeconds
      self.connectionBytes = connectionBytes
      self.bodyBytes = bodyBytes
    }
  }

  /// What was asked.
  package struct Request: Hashable, Sendable {
    package let method: String
    /// Without its query.
    package let path: String
    /// The header of that name.
    package let accept: String?
  }

  /// What goes back.
  package struct Response: Hashable, Sendable {
    package var status: UInt32
    package var headers: [String: String]
    package var body: Data

    package init(status: UInt32 = 200, headers: [String: String] = [:], body: Data = Data()) {
      self.status = status
      self.headers = headers
      self.body = body
    }
  }

  private let desk: FrontDesk
  private let daemon: OpaquePointer

  /// Serves from now on.
  ///
  /// - Parameter answer: called on the server's thread; while it runs, all others wait.
  package init(
    on listener: consuming ListeningSocket, limits: Limits,
    answer: @escaping @Sendable (Request) -> Response
  ) throws(ListenFailure) {
    let desk = FrontDesk(bodyBytes: limits.bodyBytes, answer: answer)
    self.desk = desk
    let daemon = unsafe sluice_http_start(
      listener.released(), limits.connections, limits.connectionsPerAddress, limits.idleSeconds,
      limits.connectionBytes,
      { context, connection, path, method, _, _, bodyCount, state in
        guard let context = unsafe context, let connection = unsafe connection,
          let path = unsafe path, let method = unsafe method,
          let bodyCount = unsafe bodyCount, let state = unsafe state
        else { return .NO }
        let desk = unsafe Unmanaged<FrontDesk>.fromOpaque(context).takeUnretainedValue()
        if unsafe desk.isComplete(&bodyCount.pointee, &state.pointee) {
          return unsafe desk.answer(String(cString: method), String(cString: path), on: connection)
        }
        return unsafe desk.isTooLarge(state.pointee) ? .NO : .YES
      }, Unmanaged.passUnretained(desk).toOpaque())
    guard let daemon = unsafe daemon else {
      throw ListenFailure(description: "the system gives no thread or memory for a server")
    }
    unsafe self.daemon = daemon
  }

  deinit { unsafe MHD_stop_daemon(daemon) }

  /// Returns once the task is cancelled.
  package func waitUntilCancelled() async {
    while !Task.isCancelled { try? await Task.sleep(for: .seconds(86_400)) }
  }
}

/// Takes requests from the library and brings back answers.
private final class FrontDesk: Sendable {
  private let bodyBytes: Int
  private let answer: @Sendable (HTTPServer.Request) -> HTTPServer.Response

  init(bodyBytes: Int, answer: @escaping @Sendable (HTTPServer.Request) -> HTTPServer.Response) {
    self.bodyBytes = bodyBytes
    self.answer = answer
  }

  /// The library calls once when the head is there, then for each part of the body, then once more.
  ///
  /// - Parameters:
  ///   - count: bytes of this part; those that are left to do afterwards.
  ///   - state: nil at first; then one more than the bytes that have come.
  func isComplete(_ count: inout Int, _ state: inout UnsafeMutableRawPointer?) -> Bool {
    guard let seen = unsafe state else {
      unsafe state = UnsafeMutableRawPointer(bitPattern: 1)
      return false
    }
    guard count > 0 else { return true }
    unsafe state = UnsafeMutableRawPointer(bitPattern: UInt(bitPattern: seen) + UInt(count))
    count = 0
    return false
  }

  func isTooLarge(_ state: UnsafeMutableRawPointer?) -> Bool {
    Int(bitPattern: state) - 1 > bodyBytes
  }

  func answer(_ method: String, _ path: String, on connection: OpaquePointer) -> MHD_Result {
    let accept = unsafe MHD_lookup_connection_value(connection, .HEADER_KIND, "Accept")
    let answer = answer(
      HTTPServer.Request(
        method: method, path: path, accept: unsafe accept.map { unsafe String(cString: $0) }))
    let response = unsafe answer.body.withUnsafeBytes { bytes in
      unsafe MHD_create_response_from_buffer(
        bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress), .RESPMEM_MUST_COPY)
    }
    guard let response = unsafe response else { return .NO }
    defer { unsafe MHD_destroy_response(response) }
    for (name, value) in answer.headers {
      guard unsafe MHD_add_response_header(response, name, value) == .YES else { return .NO }
    }
    return unsafe MHD_queue_response(connection, answer.status, response)
  }
}
