internal import Glibc

/// The service manager's end of sd_notify(3): a datagram socket that hears what a daemon says.
package final class NotifySocket {
  /// To be passed on as `NOTIFY_SOCKET`.
  package let path: String
  private let descriptor: Int32

  package init(in directory: TemporaryDirectory) {
    path = directory.path + "/notify"
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, length)
      }
    }
    precondition(bound == 0, "the test's socket cannot be bound")
  }

  deinit { close(descriptor) }

  /// Waits for a message that contains `text`; false when none comes in time.
  package func hears(_ text: String, within limit: Duration) -> Bool {
    let end = ContinuousClock.now + limit
    var buffer = [UInt8](repeating: 0, count: 4096)
    while ContinuousClock.now < end {
      var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&poller, 1, 100) > 0 else { continue }
      let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { continue }
      if String(decoding: buffer[..<count], as: UTF8.self).contains(text) { return true }
    }
    return false
  }
}
