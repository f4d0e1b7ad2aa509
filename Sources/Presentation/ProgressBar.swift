internal import Basics
internal import Glibc
internal import Synchronization

/// One line on standard error that tells how far long work is: renewed in place while a person
/// watches, else written anew now and then, or never.
package final class ProgressBar: Sendable {
  private static let cells = 24

  private let isWatched: Bool
  /// nil for never.
  private let interval: Duration?
  private let start = ContinuousClock.now
  private let lastShown = Mutex<ContinuousClock.Instant?>(nil)

  /// - Parameters:
  ///   - unwatchedInterval: how often to write a line where nobody watches; nil for never.
  ///   - sharesTerminal: whether the work's own output may go to the same terminal, where a bar
  ///     would stand in its way.
  package init(unwatchedInterval: Duration? = nil, sharesTerminal: Bool = false) {
    let isOnTerminal = isatty(STDERR_FILENO) == 1
    isWatched = isOnTerminal && !(sharesTerminal && isatty(STDOUT_FILENO) == 1)
    interval = isWatched ? .milliseconds(100) : unwatchedInterval
  }

  /// Seconds since the work began, above 0.
  package var elapsed: Double { max(0.001, (ContinuousClock.now - start).seconds) }

  /// Shows a line, unless the one before is too fresh.
  package func show(_ line: () -> String) {
    guard let interval else { return }
    let isDue = lastShown.withLock { last in
      let now = ContinuousClock.now
      if let last, now - last < interval { return false }
      last = now
      return true
    }
    if isDue { put(line()) }
  }

  /// Takes the bar away.
  package func finish() {
    if isWatched, lastShown.withLock({ $0 != nil }) { put("") }
  }

  /// `██████░░░░` for a share from 0 to 1.
  package static func bar(share: Double) -> String {
    let filled = Int((min(max(0, share), 1) * Double(cells)).rounded(.down))
    return String(repeating: "█", count: filled)
      + String(repeating: "░", count: cells - filled)
  }

  /// The time that is left when this share of the work took so many seconds.
  package static func timeLeft(share: Double, elapsed: Double) -> String {
    share > 0 ? "\(duration(elapsed / share - elapsed)) left" : "time left unknown"
  }

  private func put(_ text: String) {
    let line = isWatched ? "\r\(text)\u{1B}[K" : text + "\n"
    _ = unsafe write(STDERR_FILENO, line, line.utf8.count)
  }
}
