import Augmentation
import Presentation
import Synchronization

/// A bar for a run of `augment`: instructions, rate, time left and refusals.
final class AugmentProgress: Sendable {
  /// Where the new work begins, after the answers of earlier runs.
  private struct Start {
    var elapsed: Double
    var accepted: Int
  }

  private let bar = ProgressBar()
  private let start = Mutex<Start?>(nil)

  func show(_ progress: AugmentationProgress) {
    let elapsed = bar.elapsed
    let start = start.withLock { start in
      let now = Start(elapsed: elapsed, accepted: progress.accepted)
      if progress.isReplaying { start = now }
      start = start ?? now
      return start ?? now
    }
    bar.show {
      Self.line(
        progress, done: progress.accepted - start.accepted, elapsed: elapsed - start.elapsed)
    }
  }

  func finish() { bar.finish() }

  /// `███░░░ 120/400 instructions, 31/min, 9 min 2 s left, 340 rows, refused 4 %`.
  private static func line(
    _ progress: AugmentationProgress, done: Int, elapsed: Double
  ) -> String {
    let share = Double(progress.accepted) / Double(max(1, progress.wanted))
    var text = ProgressBar.bar(share: share)
    text += " \(progress.accepted)/\(progress.wanted) instructions"
    if done > 0, elapsed > 0 {
      let perSecond = Double(done) / elapsed
      let left = Double(progress.wanted - progress.accepted) / perSecond
      text += ", \(Int((perSecond * 60).rounded()))/min, \(duration(left)) left"
    }
    text += ", \(progress.counts.rowsTotal) rows"
    if progress.counts.refusals.answers > 0 {
      text += ", refused \(Int((progress.counts.refusals.rate * 100).rounded())) %"
    }
    return text
  }
}
