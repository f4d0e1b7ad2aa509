internal import Glibc

/// Why nobody can be heard at an address.
package struct ListenFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// The address and the system's reason.
  package let description: String
}

/// A socket that listens, closed with its owner.
@safe package struct ListeningSocket: ~Copyable {
  /// Connections that wait to be accepted.
  private static let waitingMax: Int32 = 128

  private let handle: SocketHandle

  /// Listens on a TCP port. On `::` it hears IPv4 too.
  ///
  /// - Parameter address: an IPv4 or IPv6 address in numbers, without brackets.
  package init(address: String, port: UInt16) throws(ListenFailure) {
    let place = address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    guard unsafe getaddrinfo(address, String(port), &hints, &found) == 0, let found = unsafe found
    else { throw ListenFailure(description: "\(place): not an address") }
    defer { unsafe freeaddrinfo(found) }
    let family = unsafe found.pointee.ai_family
    let handle = try SocketHandle(family: family, place: place)
    // The connections of an earlier process do not stand in the way.
    handle.set(SOL_SOCKET, SO_REUSEADDR, 1)
    if family == AF_INET6 { handle.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, 0) }
    let (first, size) = unsafe (found.pointee.ai_addr, found.pointee.ai_addrlen)
    guard unsafe bind(handle.descriptor, first, size) == 0 else { throw .last(place) }
    try handle.listen(waitingMax: Self.waitingMax, place: place)
    self.handle = handle
  }

  /// Listens at a path that only its owner may use; a socket that an earlier process left there is
  /// replaced.
  ///
  /// - Parameters:
  ///   - path: at most 107 bytes with the dot and the process's number that it has at first.
  ///   - replace: moves the socket to its path once it can be used.
  package init(
    path: String, replace: (_ from: String, _ to: String) throws -> Void
  ) throws {
    let unfinished = "\(path).\(getpid())"
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(unfinished.utf8)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard bytes.count < capacity else {
      throw ListenFailure(
        description: "\(unfinished): a socket's path has at most \(capacity - 1) bytes")
    }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    let handle = try SocketHandle(family: AF_UNIX, place: path)
    _ = unsafe unlink(unfinished)
    let size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let isBound = unsafe withUnsafePointer(to: address) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(handle.descriptor, $0, size) == 0
      }
    }
    guard isBound else { throw ListenFailure.last(path) }
    do {
      guard unsafe chmod(unfinished, 0o600) == 0 else { throw ListenFailure.last(path) }
      try handle.listen(waitingMax: Self.waitingMax, place: path)
      try replace(unfinished, path)
    } catch {
      _ = unsafe unlink(unfinished)
      throw error
    }
    self.handle = handle
  }

  /// The descriptor, which is the caller's to close from now on.
  consuming func released() -> Int32 { handle.released() }
}

/// A socket, closed with its owner. Not private, since other modules' code names what it destroys.
@safe package struct SocketHandle: ~Copyable {
  let descriptor: Int32

  deinit { close(descriptor) }

  init(family: Int32, place: String) throws(ListenFailure) {
    let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { throw .last(place) }
    self.descriptor = descriptor
  }

  func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    let size = socklen_t(MemoryLayout<Int32>.size)
    unsafe _ = setsockopt(descriptor, level, option, &value, size)
  }

  func listen(waitingMax: Int32, place: String) throws(ListenFailure) {
    guard Glibc.listen(descriptor, waitingMax) == 0 else { throw .last(place) }
  }

  consuming func released() -> Int32 {
    let descriptor = descriptor
    discard self
    return descriptor
  }
}

extension ListenFailure {
  /// What the system said last.
  fileprivate static func last(_ place: String) -> ListenFailure {
    let code = errno
    return unsafe ListenFailure(description: "\(place): \(String(cString: strerror(code)))")
  }
}
