import LanguageModel
import Testing

@Suite struct CircuitBreakerTests {
  private func breaker() -> CircuitBreaker {
    CircuitBreaker(failuresMax: 3, openDuration: .seconds(5), openDurationMax: .seconds(15))
  }

  private func admit(_ breaker: inout CircuitBreaker, at second: Int) -> CircuitBreaker.Admission {
    breaker.admit(at: .seconds(second), patience: .seconds(60))
  }

  @Test func failuresInARowOpenIt() {
    var breaker = breaker()
    for _ in 0..<2 { breaker.fail(at: .zero) }
    #expect(admit(&breaker, at: 0) == .admitted)
    breaker.fail(at: .seconds(1))
    #expect(breaker.isOpen)
    #expect(admit(&breaker, at: 2) == .refused(retryAfter: .seconds(4)))
  }

  @Test func aSuccessInBetweenStartsTheCountAnew() {
    var breaker = breaker()
    for _ in 0..<10 {
      breaker.fail(at: .zero)
      breaker.fail(at: .zero)
      breaker.succeed()
    }
    #expect(!breaker.isOpen)
  }

  @Test func oneRequestTriesAndClosesIt() {
    var breaker = breaker()
    for _ in 0..<3 { breaker.fail(at: .zero) }
    #expect(admit(&breaker, at: 5) == .admitted)
    #expect(admit(&breaker, at: 5) == .refused(retryAfter: .seconds(5)))
    breaker.succeed()
    #expect(admit(&breaker, at: 5) == .admitted)
    #expect(!breaker.isOpen)
  }

  @Test func aTrialThatFailsDoublesThePauseUpToTheLimit() {
    var breaker = breaker()
    for _ in 0..<3 { breaker.fail(at: .zero) }
    var now = 5
    for pause in [10, 15, 15] {
      #expect(admit(&breaker, at: now) == .admitted)
      breaker.fail(at: .seconds(now))
      #expect(admit(&breaker, at: now) == .refused(retryAfter: .seconds(pause)))
      now += pause
    }
  }

  @Test func aTrialThatNeverReportsIsForgotten() {
    var breaker = breaker()
    for _ in 0..<3 { breaker.fail(at: .zero) }
    #expect(admit(&breaker, at: 5) == .admitted)
    #expect(admit(&breaker, at: 64) == .refused(retryAfter: .seconds(1)))
    #expect(admit(&breaker, at: 65) == .admitted)
  }

  @Test func aCancelledTrialLetsTheNextOneTry() {
    var breaker = breaker()
    for _ in 0..<3 { breaker.fail(at: .zero) }
    #expect(admit(&breaker, at: 5) == .admitted)
    breaker.abandon(at: .seconds(6))
    #expect(admit(&breaker, at: 6) == .admitted)
  }

  @Test func lateFailuresDoNotProlongIt() {
    var breaker = breaker()
    for second in 0..<8 { breaker.fail(at: .seconds(second)) }
    #expect(admit(&breaker, at: 7) == .admitted)
  }
}
