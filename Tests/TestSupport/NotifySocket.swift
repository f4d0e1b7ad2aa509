internal import Glibc
internal import Threading

/// The service manager's end of sd_notify(3): a datagram socket that hears what a daemon says, all
/// the time: its queue holds a few messages only, and then the daemon would have to wait.
package final class NotifySocket {
  /// To be passed on as `NOTIFY_SOCKET`.
  package let path: String
  private let descriptor: Int32
  private let heard = Monitor<[String]>([])
  /// Messages before this one have been asked for.
  private var next = 0

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
    let (open, heard) = (descriptor, heard)
    _ = BlockingThread(name: "notify") {
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = unsafe recv(open, &buffer, buffer.count, 0)
        guard count > 0 else { break }
        heard.update { $0.append(String(decoding: buffer[..<count], as: UTF8.self)) }
      }
      close(open)
    }
  }

  // Ends the thread, which closes the socket.
  deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Waits for a new message that contains `text`; false when none comes in time.
  package func hears(_ text: String, within limit: Duration) -> Bool {
    let end = ContinuousClock.now + limit
    let first = next
    let place = heard.wait { messages -> Monitor<[String]>.WaitStep<Int?> in
      if let place = messages[first...].firstIndex(where: { $0.contains(text) }) {
        return .done(place)
      }
      let left = end - ContinuousClock.now
      return left > .zero ? .sleep(atMost: left) : .done(nil)
    }
    next = place.map { $0 + 1 } ?? next
    return place != nil
  }
}
