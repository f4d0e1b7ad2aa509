internal import Glibc

/// A TCP connection or listener on the loopback interface, closed with its owner.
@safe package final class Socket: Sendable {
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// A listener on a port, or on one that the system chooses; nil if there is none or it is taken.
  static func listener(port: UInt16 = 0, waitingMax: Int32 = 64) -> Socket? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    let listener = Socket(descriptor)
    // Former connections of that port do not stand in the way.
    var yes: Int32 = 1
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
    let isBound = unsafe withAddress(port: port) { unsafe bind(descriptor, $0, $1) == 0 }
    return isBound && listen(descriptor, waitingMax) == 0 ? listener : nil
  }

  /// A connection to a port of 127.0.0.1; nil if nobody listens.
  ///
  /// - Parameter host: whose connection it is: 2 for 127.0.0.2.
  package static func connected(to port: UInt16, fromHost host: UInt8 = 1) -> Socket? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    let connection = Socket(descriptor)
    connection.sendAtOnce()
    if host != 1 {
      let isBound = unsafe withAddress(port: 0, host: host) { unsafe bind(descriptor, $0, $1) == 0 }
      guard isBound else { return nil }
    }
    let isConnected = unsafe withAddress(port: port) { unsafe connect(descriptor, $0, $1) == 0 }
    return isConnected ? connection : nil
  }

  /// The port that it listens on.
  var port: UInt16 {
    var address = sockaddr_in()
    var count = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = unsafe withUnsafeMutablePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &count)
      }
    }
    return result == 0 ? UInt16(bigEndian: address.sin_port) : 0
  }

  /// The next connection; nil once the listener was shut.
  func accepted() -> Socket? {
    let connection = accept(descriptor, nil, nil)
    guard connection >= 0 else { return nil }
    let socket = Socket(connection)
    socket.sendAtOnce()
    return socket
  }

  /// Ends reading and writing, also for threads that wait for it.
  func shut() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Exactly `count` bytes; nil when the connection ends before.
  func read(_ count: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: count)
    var position = 0
    while position < count {
      let got = unsafe bytes.withUnsafeMutableBytes {
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: $0[position...])
        return unsafe recv(descriptor, rest.baseAddress, rest.count, 0)
      }
      guard got > 0 else { return nil }
      position += got
    }
    return bytes
  }

  /// Bytes until the connection ends, as far as they come without a pause of this length.
  package func readUntilEnd(
    pause: Duration, bytesMax: Int = 1 << 20
  ) -> (bytes: [UInt8], isEnded: Bool) {
    var limit = timeval(
      tv_sec: Int(pause.components.seconds),
      tv_usec: Int(pause.components.attoseconds / 1_000_000_000_000))
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var all: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4096)
    while all.count < bytesMax {
      let got = unsafe part.withUnsafeMutableBytes {
        unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
      }
      guard got > 0 else { return (all, got == 0 || errno != EAGAIN) }
      all += part[..<got]
    }
    return (all, false)
  }

  /// Writes all bytes; false when the connection has ended.
  package func write(_ bytes: [UInt8]) -> Bool {
    var position = 0
    while position < bytes.count {
      let sent = unsafe bytes.withUnsafeBytes {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: $0[position...])
        return unsafe send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { return false }
      position += sent
    }
    return true
  }

  private func sendAtOnce() {
    var yes: Int32 = 1
    unsafe setsockopt(
      descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func withAddress<Result>(
    port: UInt16, host: UInt8 = 1, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) -> Result {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = (INADDR_LOOPBACK - 1 + UInt32(host)).bigEndian
    address.sin_port = port.bigEndian
    return unsafe withUnsafePointer(to: &address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
