internal import Foundation
internal import Settings
internal import Synchronization

/// What all requests to one server share: places, tries, pauses and the circuit breaker.
final class RequestCore: Sendable {
  private let transport: any HTTPTransport
  private let clock: ClientClock
  private let gate: RequestGate
  private let retries: RetryPolicy
  private let timeout: Duration
  private let breaker: Mutex<CircuitBreaker>

  init(_ settings: LanguageModelSettings, transport: any HTTPTransport, clock: ClientClock) {
    self.transport = transport
    self.clock = clock
    gate = RequestGate(
      concurrentMax: settings.concurrentRequestsMax, waitingMax: settings.waitingRequestsMax)
    retries = RetryPolicy(attemptsMax: settings.attemptsMax)
    timeout = .seconds(settings.timeoutSeconds)
    let open = Duration.seconds(settings.circuitOpenSeconds)
    breaker = Mutex(
      CircuitBreaker(
        failuresMax: settings.circuitFailures, openDuration: open, openDurationMax: open * 16))
  }

  var isCircuitOpen: Bool { breaker.withLock { $0.isOpen } }

  /// The body of a good answer, after as many tries as the policy allows.
  func send(
    url: URL, headers: [String: String], body: Data?
  ) async throws(LanguageModelError) -> Data {
    let shown = url.absoluteString
    do throws(RequestGate.Refusal) {
      try await gate.enter()
    } catch {
      throw LanguageModelError(error == .full ? .overloaded : .cancelled, url: shown)
    }
    defer { gate.leave() }
    let request = HTTPRequest(url: url, headers: headers, body: body, timeout: timeout)
    var attempt = 1
    while true {
      do throws(LanguageModelError) {
        return try await trySend(request, shown)
      } catch {
        let pause = retries.pause(after: error, attempt: attempt, jitter: clock.jitter())
        // An open circuit is for failing at once.
        guard let pause, error.kind != .circuitOpen else { throw error }
        attempt += 1
        do {
          try await clock.sleep(pause)
        } catch {
          throw LanguageModelError(.cancelled, url: shown)
        }
      }
    }
  }

  private func trySend(
    _ request: HTTPRequest, _ shown: String
  ) async throws(LanguageModelError) -> Data {
    let admission = breaker.withLock { $0.admit(at: clock.now(), patience: timeout * 2) }
    if case .refused(let retryAfter) = admission {
      throw LanguageModelError(.circuitOpen, url: shown, retryAfter: retryAfter)
    }
    do throws(LanguageModelError) {
      let body = try await exchange(request, shown)
      breaker.withLock { $0.succeed() }
      return body
    } catch {
      let now = clock.now()
      breaker.withLock { breaker in
        if error.isServerFailure {
          breaker.fail(at: now)
        } else if error.kind == .cancelled {
          breaker.abandon(at: now)
        } else {
          breaker.succeed()
        }
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
      case .tooLarge: throw LanguageModelError(.malformedAnswer("it is too large"), url: shown)
      case .cancelled: throw LanguageModelError(.cancelled, url: shown)
      }
    }
    guard answer.status == 200 else {
      let wish = answer.retryAfter.flatMap { RetryAfter.parse($0, at: Date()) }
      throw LanguageModelError(.status(answer.status), url: shown, retryAfter: wish)
    }
    return answer.body
  }
}
