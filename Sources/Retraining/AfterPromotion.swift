internal import Foundation

/// The command that an administrator wants run when there is a new champion.
///
/// Daemons that follow the registry need none: they look where `current` leads every few seconds.
package struct AfterPromotion {
  let command: [String]

  package init(command: [String]) { self.command = command }

  private static let secondsMax = 60.0

  /// Runs it; a failure is told and changes nothing, since the new champion stands.
  package func run(report: (RetrainJob.Event) -> Void) {
    guard let program = command.first else { return }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    do {
      try process.run()
    } catch {
      report(.warning("after_promotion: \(program) cannot be run"))
      return
    }
    let deadline = Date.now.addingTimeInterval(Self.secondsMax)
    while process.isRunning, Date.now < deadline { Thread.sleep(forTimeInterval: 0.02) }
    guard !process.isRunning else {
      process.terminate()
      report(.warning("after_promotion: \(program) took more than \(Int(Self.secondsMax)) s"))
      return
    }
    if process.terminationStatus != 0 {
      report(.warning("after_promotion: \(program) ended with \(process.terminationStatus)"))
    }
  }
}
