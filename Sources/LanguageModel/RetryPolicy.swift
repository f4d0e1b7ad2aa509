/// When a failed request is tried again: exponential back-off with jitter, within bounds.
package struct RetryPolicy: Hashable, Sendable {
  /// Tries of one request, the first one included.
  package let attemptsMax: Int
  /// The longest pause after the first failure; it doubles with each further one.
  package let firstPause: Duration
  /// The longest pause of all.
  package let pauseMax: Duration
  /// A server that asks for a longer pause than this is not waited for.
  package let retryAfterMax: Duration

  package init(
    attemptsMax: Int, firstPause: Duration = .milliseconds(500), pauseMax: Duration = .seconds(30),
    retryAfterMax: Duration = .seconds(60)
  ) {
    precondition(attemptsMax >= 1)
    self.attemptsMax = attemptsMax
    self.firstPause = firstPause
    self.pauseMax = pauseMax
    self.retryAfterMax = retryAfterMax
  }

  /// The pause after try number `attempt`, counted from 1; nil when it was the last one.
  ///
  /// A server's own wish counts as the least. `jitter`, from 0 to 1, spreads clients that failed
  /// together over the upper half of the pause.
  package func pause(
    after error: LanguageModelError, attempt: Int, jitter: Double
  ) -> Duration? {
    guard error.isPassing, attempt < attemptsMax else { return nil }
    let doublings = min(attempt - 1, 20)
    let longest = min(firstPause * (1 << doublings), pauseMax)
    let pause = longest * (0.5 + 0.5 * min(max(jitter, 0), 1))
    guard let wish = error.retryAfter else { return pause }
    return wish <= retryAfterMax ? max(wish, pause) : nil
  }
}
