import Glibc

/// A bar on standard error with what is done and the time left, while a person watches.
struct ProgressBar {
  private let isWatched = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var lastShown: ContinuousClock.Instant?

  private static let cells = 24

  /// Shows the state, at most ten times a second.
  ///
  /// - Parameters:
  ///   - share: how much of the work is done, from 0 to 1.
  ///   - tokens: tokens so far, for the speed.
  mutating func show(_ label: String, share: Double, tokens: Int) {
    guard isWatched else { return }
    let now = ContinuousClock.now
    if let lastShown, now - lastShown < .milliseconds(100) { return }
    lastShown = now
    let (seconds, attoseconds) = (now - start).components
    let elapsed = max(0.001, Double(seconds) + Double(attoseconds) / 1e18)
    let filled = Int(share * Double(Self.cells))
    let bar =
      String(repeating: "█", count: filled)
      + String(repeating: "░", count: max(0, Self.cells - filled))
    let left = share > 0 ? time(elapsed / share - elapsed) + " left" : ""
    let text =
      "\r\(bar) \(Int(share * 100)) %  \(label)  \(Int(Double(tokens) / elapsed)) tokens/s  "
      + "\(left)\u{1B}[K"
    _ = unsafe write(STDERR_FILENO, text, text.utf8.count)
  }

  /// Takes the line away.
  func finish() {
    guard lastShown != nil else { return }
    let text = "\r\u{1B}[K"
    _ = unsafe write(STDERR_FILENO, text, text.utf8.count)
  }

  /// Minutes and seconds, or hours and minutes.
  private func time(_ seconds: Double) -> String {
    let seconds = Int(min(max(0, seconds), 1e9))
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return seconds < 3600
      ? "\(seconds / 60):\(two(seconds % 60))"
      : "\(seconds / 3600) h \(two(seconds / 60 % 60)) min"
  }
}
