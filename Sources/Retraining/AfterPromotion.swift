internal import Foundation
internal import Glibc

/// The command that an administrator wants run when there is a new champion.
///
/// Daemons that follow the registry need none: they look where `current` leads every few seconds.
package struct AfterPromotion: Sendable {
  private let command: [String]
  private let secondsMax: Double

  /// - Parameter secondsMax: how long it may take.
  package init(command: [String], secondsMax: Double = 60) {
    self.command = command
    self.secondsMax = secondsMax
  }

  /// Runs it; a failure is told and changes nothing, since the new champion stands.
  package func run(report: (RetrainJob.Event) -> Void) {
    guard let program = command.first else { return }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    // What this program ignores, such as a pipe whose reader left, its commands must not.
    process.arguments = ["--default-signal"] + command
    do {
      try process.run()
    } catch {
      report(.warning("after_promotion: \(program) cannot be run"))
      return
    }
    let deadline = Date.now.addingTimeInterval(secondsMax)
    while process.isRunning, Date.now < deadline { Thread.sleep(forTimeInterval: 0.02) }
    guard !process.isRunning else {
      // One that is asked to end may have that signal blocked, or pay no heed.
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
      report(.warning("after_promotion: \(program) took more than \(Int(secondsMax)) s"))
      return
    }
    if process.terminationStatus != 0 {
      report(.warning("after_promotion: \(program) ended with \(process.terminationStatus)"))
    }
  }
}
