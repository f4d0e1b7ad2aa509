import Augmentation
import Glibc
import Synchronization

/// A bar on standard error while a person watches, and nothing otherwise: instructions, rate, time
/// left and refusals.
final class AugmentProgressBar: Sendable {
  private struct State {
    /// Where the new work begins, after the answers of earlier runs.
    var start: (time: ContinuousClock.Instant, accepted: Int)?
    var lastShown: ContinuousClock.Instant?
  }

  private static let width = 24
  private let isWatched = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  /// Shows how far a run is, at most ten times a second.
  func show(_ progress: AugmentationProgress) {
    guard isWatched else { return }
    state.withLock { state in
      let now = ContinuousClock.now
      if state.start == nil || progress.isReplaying { state.start = (now, progress.accepted) }
      if let lastShown = state.lastShown, now - lastShown < .milliseconds(100) { return }
      guard let start = state.start else { return }
      state.lastShown = now
      let (seconds, attoseconds) = (now - start.time).components
      let elapsed = Double(seconds) + Double(attoseconds) / 1e18
      write(Self.line(progress, done: progress.accepted - start.accepted, elapsed: elapsed))
    }
  }

  /// Takes the bar away.
  func finish() {
    if state.withLock({ $0.lastShown != nil }) { write("") }
  }

  /// The bar: `[####----] 120/400, 31 rows/min, 9 min left, refused 4 %`.
  static func line(_ progress: AugmentationProgress, done: Int, elapsed: Double) -> String {
    let share = Double(progress.accepted) / Double(max(1, progress.wanted))
    let filled = min(width, Int(share * Double(width)))
    var text = "[" + String(repeating: "#", count: filled)
    text += String(repeating: "-", count: width - filled)
    text += "] \(progress.accepted)/\(progress.wanted) instructions"
    if done > 0, elapsed > 0 {
      let perSecond = Double(done) / elapsed
      let left = Double(progress.wanted - progress.accepted) / perSecond
      text += ", \(Int((perSecond * 60).rounded()))/min, \(words(seconds: left)) left"
    }
    text += ", \(progress.counts.rowsTotal) rows"
    if progress.counts.refusals.answers > 0 {
      text += ", refused \(Int((progress.counts.refusals.rate * 100).rounded())) %"
    }
    return text
  }

  private static func words(seconds: Double) -> String {
    guard seconds < 360_000 else { return "days" }
    let minutes = Int(seconds / 60)
    if minutes >= 120 { return "\(minutes / 60) h" }
    return minutes >= 2 ? "\(minutes) min" : "\(Int(seconds)) s"
  }

  private func write(_ text: String) {
    let line = "\r\(text)\u{1B}[K"
    _ = unsafe Glibc.write(STDERR_FILENO, line, line.utf8.count)
  }
}

/// What is said at the end of a run.
struct AugmentSummary {
  let manifest: AugmentationManifest
  let files: Augmentation.Files

  var text: String {
    let counts = manifest.counts
    var lines = [
      "\(counts.rowsTotal) rows of \(counts.accepted) instructions in \(files.output) "
        + "(\(list(counts.rows)))"
    ]
    let dropped = counts.attempts - counts.accepted
    lines.append(
      "\(counts.attempts) attempts, \(dropped) dropped"
        + (counts.dropped.isEmpty ? "" : " (\(list(counts.dropped)))"))
    if !counts.rowsDropped.isEmpty { lines.append("rows not made: \(list(counts.rowsDropped))") }
    if let rate = manifest.refusals.withPrefix { lines.append("refused with prefix: \(say(rate))") }
    if let rate = manifest.refusals.withoutPrefix {
      lines.append("refused without prefix: \(say(rate))")
    }
    lines.append("labels by \(manifest.labels.by); \(manifest.requests) requests")
    switch manifest.ended {
    case "finished": break
    case "attempts": lines.append("ended early: too few new instructions in all attempts")
    default: lines.append("ended early: the budget of \(manifest.ended) is used up")
    }
    return lines.joined(separator: "\n")
  }

  private func list(_ counts: [String: Int]) -> String {
    counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  private func say(_ rate: RefusalRate) -> String {
    func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10)" }
    return "\(percent(rate.rate)) % of \(rate.answers) "
      + "(95 %: \(percent(rate.interval.lowerBound))–\(percent(rate.interval.upperBound)))"
  }
}
