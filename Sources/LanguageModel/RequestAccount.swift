/// The one account of what is sent to a server: every try of every request passes here.
///
/// Counts tries, bounds them by the hour, and leaves a failing server alone. A pure value without a
/// clock; the caller says what time it is, counted from any fixed start.
package struct RequestAccount: Sendable {
  /// Why a request must not be sent now.
  package enum Refusal: Hashable, Sendable {
    /// The server failed so often that it is left alone. Try again after this time.
    case circuitOpen(retryAfter: Duration)
    /// The hour's requests are used up. There are more after this time.
    case budgetSpent(retryAfter: Duration)
  }

  /// Where an account stands.
  package struct Statement: Hashable, Sendable {
    /// Requests sent, each try counted.
    package let sent: Int
    /// Those that brought no good answer.
    package let failed: Int
    /// Requests that may be sent in this hour; nil without a limit.
    package let budgetLeft: Int?
    package let isCircuitOpen: Bool
    /// What counts for the limit, to be kept for the next process.
    package let spending: [HourlyBudget.Spending]
  }

  /// Requests turned down in a row, after which not they are to blame.
  package static let refusalsInARowMax = 20

  private var breaker: CircuitBreaker
  private var budget: HourlyBudget?
  private var sent = 0
  private var failed = 0
  /// What the server failed with last.
  package private(set) var lastFailure: LanguageModelError.Kind?
  private var refusedInARow = 0
  private var hasAnswered = false

  /// - Parameter budget: with what an earlier process has spent; nil for no limit.
  package init(breaker: CircuitBreaker, budget: HourlyBudget? = nil) {
    self.breaker = breaker
    self.budget = budget
  }

  /// Asks to send a request, and counts it when there is no refusal.
  ///
  /// - Parameters:
  ///   - patience: how long the request may take at most.
  ///   - isExempt: whether it only counts, and is never refused for the hour's sake.
  package mutating func admit(
    at now: Duration, patience: Duration, isExempt: Bool = false
  ) -> Refusal? {
    if !isExempt, let left = budget?.left(at: now), left == 0 {
      return .budgetSpent(retryAfter: (budget?.nextFree() ?? now + .seconds(3_600)) - now)
    }
    // Last, since it may make this request the one that tries whether the server is back.
    if case .refused(let retryAfter) = breaker.admit(at: now, patience: patience) {
      return .circuitOpen(retryAfter: retryAfter)
    }
    budget?.count(at: now)
    sent += 1
    return nil
  }

  /// Notes how a request that was sent has ended: nil for a good answer.
  package mutating func end(
    _ error: LanguageModelError?, at now: Duration, isExempt: Bool = false
  ) {
    guard let error else {
      if !isExempt {
        hasAnswered = true
        refusedInARow = 0
      }
      return breaker.succeed()
    }
    failed += 1
    if error.isAboutRequest { refusedInARow += 1 }
    if error.isServerFailure {
      lastFailure = error.kind
      breaker.fail(at: now)
    } else if error.kind == .cancelled {
      breaker.abandon(at: now)
    } else {
      breaker.succeed()
    }
  }

  /// Whether a request that was turned down need not be to blame: the server has turned down many
  /// in a row, as for an account without money, or not answered any yet.
  package var doubtsRefusals: Bool { !hasAnswered || refusedInARow >= Self.refusalsInARowMax }

  package mutating func statement(at now: Duration, wallMilliseconds: Int64) -> Statement {
    Statement(
      sent: sent, failed: failed, budgetLeft: budget?.left(at: now),
      isCircuitOpen: breaker.isOpen,
      spending: budget?.spending(at: now, wallMilliseconds: wallMilliseconds) ?? [])
  }
}
