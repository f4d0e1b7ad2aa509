internal import Basics
internal import DeBERTa
internal import Synchronization

/// The most tokens that a GPU is given at once.
///
/// Larger batches fill the chip better and hide the gaps between kernels; what one kernel of a
/// smaller batch writes is still in the chip's cache when the next one reads it. Which of these
/// counts for more depends on chip and model, so sizes are tried.
final class BatchSize: Sendable {
  private let chosen: Atomic<Int>
  private let measured = Mutex<[Trial]>([])

  /// One size that was tried.
  struct Trial: Sendable {
    let tokens: Int
    let tokensPerSecond: Double
  }

  /// A larger batch is left for a smaller one only where that is faster by this much: what is
  /// measured varies.
  private static let gainMin = 1.02
  private static let repetitions = 3

  /// - Parameter tokens: what there is room for, which is the size until others are tried.
  init(tokens: Int) { chosen = Atomic(tokens) }

  var tokens: Int { chosen.load(ordering: .relaxed) }

  /// What was tried, in the order in which it was.
  var trials: [Trial] { measured.withLock { $0 } }

  /// The sizes worth a trial: what there is room for, its half and its quarter. Where that is
  /// little, a part of it fills no chip.
  static func candidates(upTo tokens: Int) -> [Int] {
    [tokens, tokens / 2, tokens / 4].filter { $0 == tokens || $0 >= 2048 }
  }

  /// Tries sizes and keeps the best.
  ///
  /// - Parameters:
  ///   - candidates: the largest first.
  ///   - work: tokens that each call of `body` computes, in batches of the size that is set.
  func choose(
    from candidates: [Int], work: Int, _ body: () throws(BatchError) -> Void
  ) throws(BatchError) {
    var best: Trial?
    let before = tokens
    defer { chosen.store(best?.tokens ?? before, ordering: .relaxed) }
    for candidate in candidates {
      chosen.store(candidate, ordering: .relaxed)
      try body()
      var least = Duration.seconds(3600)
      for _ in 0..<Self.repetitions {
        let start = ContinuousClock.now
        try body()
        least = min(least, ContinuousClock.now - start)
      }
      let trial = Trial(tokens: candidate, tokensPerSecond: Double(work) / least.seconds)
      measured.withLock { $0.append(trial) }
      if trial.tokensPerSecond > (best?.tokensPerSecond ?? 0) * Self.gainMin { best = trial }
    }
  }
}
