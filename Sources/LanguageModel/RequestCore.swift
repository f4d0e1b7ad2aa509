internal import Foundation
internal import HTTPClient
internal import Settings
internal import Synchronization

/// What all requests to one server share: places, tries, pauses and the account.
final class RequestCore: Sendable {
  private let transport: any HTTPTransport
  private let clock: ClientClock
  private let limiter: RequestLimiter
  private let retries: RetryPolicy
  private let timeout: Duration
  private let account: Mutex<RequestAccount>

  /// - Parameter spending: of an earlier process, within the last hour.
  init(
    _ settings: LanguageModelSettings, spending: [HourlyBudget.Spending],
    transport: any HTTPTransport, clock: ClientClock
  ) {
    self.transport = transport
    self.clock = clock
    limiter = RequestLimiter(
      concurrentMax: settings.concurrentRequestsMax, waitingMax: settings.waitingRequestsMax)
    retries = RetryPolicy(attemptsMax: settings.attemptsMax)
    timeout = .seconds(settings.timeoutSeconds)
    let open = Duration.seconds(settings.circuitOpenSeconds)
    var budget = settings.requestsPerHour.map { HourlyBudget(limit: $0) }
    budget?.remember(spending, at: clock.now(), wallMilliseconds: clock.wallMilliseconds())
    account = Mutex(
      RequestAccount(
        breaker: CircuitBreaker(
          failuresMax: settings.circuitFailures, openDuration: open, openDurationMax: open * 16),
        budget: budget))
  }

  /// Where the account stands now.
  var statement: RequestAccount.Statement {
    account.withLock {
      $0.statement(at: clock.now(), wallMilliseconds: clock.wallMilliseconds())
    }
  }

  /// A good answer, after as many tries as the policy allows, and how many it took.
  ///
  /// - Parameters:
  ///   - isExempt: whether it only counts, and is never refused for the hour's sake.
  ///   - read: makes the answer of its body; what it cannot read is a try that failed.
  func send<Answer>(
    url: URL, headers: [String: String], body: Data?, isExempt: Bool,
    read: (Data) throws(LanguageModelError) -> Answer
  ) async throws(LanguageModelError) -> (answer: Answer, tries: Int) {
    let shown = url.absoluteString
    do throws(RequestLimiter.Refusal) {
      try await limiter.enter()
    } catch {
      throw LanguageModelError(error == .full ? .overloaded : .cancelled, url: shown)
    }
    defer { limiter.leave() }
    let request = HTTPRequest(url: url, headers: headers, body: body, timeout: timeout)
    var attempt = 1
    while true {
      do throws(LanguageModelError) {
        return (try await trySend(request, shown, isExempt, read), attempt)
      } catch {
        let pause = retries.pause(after: error, attempt: attempt, jitter: clock.jitter())
        // What was kept back says itself when to come again.
        guard let pause, !error.isWithheld else { throw error }
        attempt += 1
        do {
          try await clock.sleep(pause)
        } catch {
          throw LanguageModelError(.cancelled, url: shown)
        }
      }
    }
  }

  private func trySend<Answer>(
    _ request: HTTPRequest, _ shown: String, _ isExempt: Bool,
    _ read: (Data) throws(LanguageModelError) -> Answer
  ) async throws(LanguageModelError) -> Answer {
    let (refusal, cause) = account.withLock {
      ($0.admit(at: clock.now(), patience: timeout * 2, isExempt: isExempt), $0.lastFailure)
    }
    switch refusal {
    case .circuitOpen(let retryAfter):
      var error = LanguageModelError(.circuitOpen, url: shown, retryAfter: retryAfter)
      error.cause = cause
      throw error
    case .budgetSpent(let retryAfter):
      throw LanguageModelError(.budgetSpent, url: shown, retryAfter: retryAfter)
    case nil: break
    }
    do throws(LanguageModelError) {
      let answer = try read(try await exchange(request, shown))
      account.withLock { $0.end(nil, at: clock.now(), isExempt: isExempt) }
      return answer
    } catch {
      var error = error
      error.isDoubtful = account.withLock { account in
        account.end(error, at: clock.now(), isExempt: isExempt)
        return error.isAboutRequest && !isExempt && account.doubtsRefusals
      }
      throw error
    }
  }

  private func exchange(
    _ request: HTTPRequest, _ shown: String
  ) async throws(LanguageModelError) -> Data {
    let answer: HTTPAnswer
    do throws(TransportFailure) {
      answer = try await transport.send(request)
    } catch {
      switch error {
      case .connection(let reason): throw LanguageModelError(.connection(reason), url: shown)
      case .timedOut: throw LanguageModelError(.timedOut, url: shown)
      case .tooLarge: throw LanguageModelError(.noAnswer("it is too large"), url: shown)
      case .cancelled: throw LanguageModelError(.cancelled, url: shown)
      }
    }
    guard answer.status == 200 else {
      let wish = answer.retryAfter.flatMap {
        RetryAfter.parse($0, atMilliseconds: clock.wallMilliseconds())
      }
      throw LanguageModelError(.status(answer.status), url: shown, retryAfter: wish)
    }
    return answer.body
  }
}
