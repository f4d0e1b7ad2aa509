import Foundation
import Systemd
import TestSupport
import Testing

struct ServiceNotifierTests {
  @Test func theManagerHearsInOrder() throws {
    let directory = try TemporaryDirectory()
    let manager = NotifySocket(in: directory)
    let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": manager.path])
    notifier.status("loading")
    notifier.ready(status: "working")
    notifier.stopping()
    #expect(manager.hears("STATUS=loading", within: .seconds(5)))
    #expect(manager.hears("READY=1\nSTATUS=working", within: .seconds(5)))
    #expect(manager.hears("STOPPING=1", within: .seconds(5)))
    #expect(!manager.hears("READY=1", within: .milliseconds(10)), "a message is heard once")
  }

  /// The queue of such a socket holds a few messages; then a sender would wait for ever.
  @Test func aManagerThatDoesNotReadHoldsNothingUp() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/notify"
    let deaf = try boundSocket(path)
    defer { close(deaf) }
    let messages = 40
    let queueMax = try #require(
      Int(
        String(contentsOfFile: "/proc/sys/net/unix/max_dgram_qlen", encoding: .utf8).dropLast()))
    try #require(queueMax < messages / 2, "the queue takes everything, which shows nothing")
    let notifier = ServiceNotifier(environment: ["NOTIFY_SOCKET": path])
    let start = ContinuousClock.now
    for _ in 0..<messages { notifier.alive() }
    #expect(ContinuousClock.now - start < .seconds(20))
  }

  @Test func withoutAManagerNothingHappens() {
    for environment in [[:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "/nowhere/at/all"]] {
      ServiceNotifier(environment: environment).ready(status: "working")
    }
  }

  @Test func theWatchdogIsForOneProcess() {
    let own = ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]
    #expect(ServiceNotifier(environment: own).watchdogInterval == .seconds(30))
    let other = ["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid() + 1)"]
    #expect(ServiceNotifier(environment: other).watchdogInterval == nil)
    #expect(ServiceNotifier(environment: [:]).watchdogInterval == nil)
    #expect(ServiceNotifier(environment: ["WATCHDOG_USEC": "soon"]).watchdogInterval == nil)
  }

  private struct NotBound: Error {}

  private func boundSocket(_ path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    let bound = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw NotBound() }
    return descriptor
  }
}
