internal import Basics
import Glibc

/// Tells the service manager how this service is doing, by the protocol of sd_notify(3): one
/// datagram of `NAME=value` lines to the socket named in the environment.
///
/// Without that socket every call does nothing, so a daemon in a terminal needs no special case.
/// The manual recommends a small implementation of one's own over linking libsystemd for this.
package struct ServiceNotifier: Sendable {
  /// A service manager that does not read must not hold up the service, which `ready` alone may
  /// wait for: without it the start counts as failed.
  private static let patience = (ready: 5_000, other: 100)  // milliseconds

  private let socketPath: String?
  /// How often the service manager expects a sign of life, from `WATCHDOG_USEC`; nil for never.
  package let watchdogInterval: Duration?

  /// A notifier for the service manager that started this process, if one did.
  package init(environment: [String: String]) {
    socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    let isForThisProcess = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
    watchdogInterval =
      isForThisProcess
      ? environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0) } : nil
  }

  /// The service is ready to work.
  package func ready(status: String) {
    send("READY=1\nSTATUS=\(status)", milliseconds: Self.patience.ready)
  }

  /// The service takes its configuration or model anew; `ready` ends that.
  package func reloading() {
    let microseconds = Instant.now.nanoseconds / 1_000
    send("RELOADING=1\nMONOTONIC_USEC=\(microseconds)\nSTATUS=loading a model")
  }

  /// One line for `systemctl status`.
  package func status(_ text: String) { send("STATUS=\(text)") }

  /// The service is shutting down.
  package func stopping() { send("STOPPING=1\nSTATUS=draining") }

  /// The service makes progress.
  package func alive() { send("WATCHDOG=1") }

  /// Sends one datagram; failures are ignored, as the manual asks.
  ///
  /// - Parameter milliseconds: how long to wait while the socket takes nothing more.
  private func send(_ message: String, milliseconds: Int = Self.patience.other) {
    guard let socketPath else { return }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    var path = Array(socketPath.utf8)
    guard path.count < capacity else { return }
    // A leading @ stands for the abstract namespace, whose names begin with a zero byte.
    if path.first == UInt8(ascii: "@") { path[0] = 0 }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | O_CLOEXEC, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: milliseconds / 1_000, tv_usec: milliseconds % 1_000 * 1_000)
    unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let length = MemoryLayout<sa_family_t>.size + path.count
    unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        _ = unsafe sendto(
          descriptor, message, message.utf8.count, Int32(MSG_NOSIGNAL), generic,
          socklen_t(length))
      }
    }
  }
}
