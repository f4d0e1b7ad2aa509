import Foundation
import TestSupport

/// The real `sluice serve`, or another service of it, as a process that a test starts, stops and
/// kills.
struct DaemonProcess {
  let process: ChildProcess
  let notify: NotifySocket
  let directory: TemporaryDirectory

  /// The program beside this test's own.
  static var program: String { SourceTree.product("sluice").path }

  /// Starts the daemon with these settings and returns once it has said that it is ready.
  init(
    _ command: String = "serve", settings: String, environment: [String: String] = [:]
  ) throws {
    directory = try TemporaryDirectory()
    notify = NotifySocket(in: directory)
    let file = directory.path + "/sluice.yaml"
    try Data(settings.utf8).write(to: URL(filePath: file))
    process = try ChildProcess(
      Self.program, [command, "--config", file],
      environment: environment.merging(["NOTIFY_SOCKET": notify.path]) { $1 },
      output: directory.path + "/log")
    guard notify.hears("READY=1", within: .seconds(180)) else {
      process.kill()
      throw NotReady(log: directory.text(of: "log"))
    }
  }

  struct NotReady: Error {
    let log: String
  }

  /// What it has logged.
  var log: String { directory.text(of: "log") }
}
