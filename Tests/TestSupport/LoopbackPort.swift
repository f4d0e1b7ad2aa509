internal import Glibc

/// A port of 127.0.0.1 on which nothing listens now; 0 if the system has none.
///
/// Something else can take it before a server does, which then fails to start.
package func freeLoopbackPort() -> UInt16 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  guard descriptor >= 0 else { return 0 }
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
  var count = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = unsafe withUnsafeMutablePointer(to: &address) { address in
    unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
      unsafe bind(descriptor, address, count) == 0
        && getsockname(descriptor, address, &count) == 0
    }
  }
  return result ? UInt16(bigEndian: address.sin_port) : 0
}

/// Whether somebody listens on a port of 127.0.0.1.
package func isListening(_ port: UInt16) -> Bool { Socket.connected(to: port) != nil }

/// A port of 127.0.0.1 that is taken as long as this lives.
package struct TakenPort {
  private let listener: Socket

  /// Takes the port; nil where somebody has it.
  package init?(_ port: UInt16) {
    guard let listener = Socket.listener(port: port) else { return nil }
    self.listener = listener
  }
}
