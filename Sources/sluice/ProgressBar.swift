import Foundation
import Learning
import Synchronization

/// A training's progress on standard error: a bar while a person watches, else a line now and then.
final class ProgressBar: Sendable {
  private let isWatched = isatty(STDERR_FILENO) == 1
  private let lastShown = Mutex<ContinuousClock.Instant?>(nil)

  func show(_ progress: TrainingProgress) {
    let interval: Duration = isWatched ? .milliseconds(200) : .seconds(30)
    let isDue = lastShown.withLock { last in
      let now = ContinuousClock.now
      if let last, now - last < interval { return false }
      last = now
      return true
    }
    guard isDue else { return }
    write(text(progress))
  }

  /// Takes the bar away.
  func finish() {
    if isWatched, lastShown.withLock({ $0 }) != nil { write("") }
  }

  private func text(_ progress: TrainingProgress) -> String {
    switch progress {
    case .tokenizing(let done, let total): return "tokenizing \(done) of \(total) examples"
    case .training(let pace):
      let share = Double(pace.step) / Double(max(1, pace.steps))
      let filled = Int(share * 24)
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
      return "\(bar) step \(pace.step) of \(pace.steps), loss \(fixed(pace.loss, digits: 4)), "
        + "\(Int(pace.tokensPerSecond)) tokens/s, \(duration(pace.secondsLeft)) left"
    }
  }

  private func write(_ text: String) {
    let line = isWatched ? "\r\(text)\u{1B}[K" : text + "\n"
    FileHandle.standardError.write(Data(line.utf8))
  }
}

/// Hours and minutes, or minutes and seconds.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0 else { return "unknown time" }
  let total = Int(min(seconds, 1e9))
  return total >= 3600
    ? "\(total / 3600) h \(total / 60 % 60) min" : "\(total / 60) min \(total % 60) s"
}

/// A number with so many digits behind the point.
func fixed(_ value: Double, digits: Int) -> String {
  String(format: "%.\(digits)f", value)
}
