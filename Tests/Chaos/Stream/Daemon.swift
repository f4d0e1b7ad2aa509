import Foundation
import Glibc
import TestSupport

/// One `sluice serve` or `sluice label`, from its start to its end.
final class Daemon {
  let process: ChildProcess
  let startedAt = ContinuousClock.now
  private let notify: NotifySocket
  private let directory: TemporaryDirectory
  private var wasReady = false

  /// - Parameters:
  ///   - verb: `serve` or `label`.
  ///   - log: the file that it writes to.
  init(_ program: String, _ verb: String = "serve", settings: String, log: String) throws {
    directory = try TemporaryDirectory()
    notify = NotifySocket(in: directory)
    let file = directory.path + "/sluice.yaml"
    try Data(settings.utf8).write(to: URL(filePath: file))
    process = try ChildProcess(
      program, [verb, "--config", file], environment: ["NOTIFY_SOCKET": notify.path], output: log)
  }

  /// Whether it has said so.
  var isReady: Bool {
    if !wasReady { wasReady = notify.hears("READY=1", within: .zero) }
    return wasReady
  }
}
