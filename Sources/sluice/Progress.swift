import Glibc

/// A line of progress on standard error while a person watches, and nothing otherwise.
struct Progress {
  private let unit: String
  private let isWatched = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) == 0
  private let start = ContinuousClock.now
  private var lastShown: ContinuousClock.Instant?

  init(unit: String) { self.unit = unit }

  /// Shows the counts so far, at most ten times a second.
  mutating func show(count: Int, tokens: Int) {
    guard isWatched else { return }
    let now = ContinuousClock.now
    if let lastShown, now - lastShown < .milliseconds(100) { return }
    lastShown = now
    let (seconds, attoseconds) = (now - start).components
    let elapsed = max(0.001, Double(seconds) + Double(attoseconds) / 1e18)
    let text = "\r\(count) \(unit), \(Int(Double(tokens) / elapsed)) tokens/s\u{1B}[K"
    _ = unsafe write(STDERR_FILENO, text, text.utf8.count)
  }

  /// Takes the line away.
  func finish() {
    guard lastShown != nil else { return }
    let text = "\r\u{1B}[K"
    _ = unsafe write(STDERR_FILENO, text, text.utf8.count)
  }
}
