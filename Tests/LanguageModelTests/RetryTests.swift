import Foundation
import HTTPClient
import Settings
import Synchronization
import Testing

import LanguageModel

@Suite struct RetryTests {
  private let policy = RetryPolicy(attemptsMax: 4)

  private func error(
    _ kind: LanguageModelError.Kind, retryAfter: Duration? = nil
  ) -> LanguageModelError {
    LanguageModelError(kind, url: "http://host/v1", retryAfter: retryAfter)
  }

  @Test func pausesDoubleAndStayWithinBounds() {
    let generous = RetryPolicy(attemptsMax: 100)
    for (attempt, longest) in [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 30), (60, 30)] {
      #expect(
        generous.pause(after: error(.timedOut), attempt: attempt, jitter: 1) == .seconds(longest))
      #expect(
        generous.pause(after: error(.timedOut), attempt: attempt, jitter: 0)
          == .seconds(longest / 2))
    }
  }

  @Test func theLastTryAndHopelessErrorsHaveNoPause() {
    #expect(policy.pause(after: error(.timedOut), attempt: 4, jitter: 1) == nil)
    #expect(policy.pause(after: error(.status(400)), attempt: 1, jitter: 1) == nil)
    #expect(policy.pause(after: error(.noAnswer("x")), attempt: 1, jitter: 1) == nil)
    #expect(policy.pause(after: error(.status(401)), attempt: 1, jitter: 1) == nil)
  }

  /// What passes soon is tried again; what an operator has to mend is waited for; what the request
  /// is to blame for is left.
  @Test(arguments: [
    (429, true, true), (503, true, true), (500, true, true), (408, true, true),
    (401, false, true), (402, false, true), (403, false, true), (404, false, true),
    (405, false, true), (302, false, true), (407, false, true),
    (400, false, false), (413, false, false), (422, false, false),
  ])
  func theStatusSaysWhetherARetryHelps(status: Int, passes: Bool, helps: Bool) {
    #expect(error(.status(status)).isPassing == passes)
    #expect(error(.status(status)).isRetriable == helps)
    #expect(error(.status(status)).isAboutRequest == !helps)
  }

  @Test func aServersWishIsHonouredUpToALimit() {
    let polite = error(.status(429), retryAfter: .seconds(7))
    #expect(policy.pause(after: polite, attempt: 1, jitter: 1) == .seconds(7))
    let never = error(.status(429), retryAfter: .seconds(3600))
    #expect(policy.pause(after: never, attempt: 1, jitter: 1) == nil)
    let short = error(.status(429), retryAfter: .zero)
    #expect(policy.pause(after: short, attempt: 1, jitter: 1) == .milliseconds(500))
  }

  @Test func retryAfterIsSecondsOrADate() {
    let now: Int64 = 784_111_767_000
    #expect(RetryAfter.parse("120", atMilliseconds: now) == .seconds(120))
    #expect(RetryAfter.parse(" 0 ", atMilliseconds: now) == .zero)
    #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:37 GMT", atMilliseconds: now) == .seconds(10))
    #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:00 GMT", atMilliseconds: now) == .zero)
    #expect(RetryAfter.parse("soon", atMilliseconds: now) == nil)
    #expect(RetryAfter.parse("\(Int64.max)", atMilliseconds: now) == .seconds(1 << 32))
    #expect(RetryAfter.parse("-1", atMilliseconds: now) == nil)
  }

  /// A transport that answers from a list, and a clock whose pauses take no time.
  private final class Script: HTTPTransport {
    let answers: Mutex<[Result<HTTPAnswer, TransportFailure>]>
    let now = Mutex(Duration.zero)
    let pauses = Mutex<[Duration]>([])

    init(_ answers: [Result<HTTPAnswer, TransportFailure>]) { self.answers = Mutex(answers) }

    func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPAnswer {
      let answer = answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      guard let answer else { throw .connection("none") }
      return try answer.get()
    }

    var clock: ClientClock {
      ClientClock(
        now: { self.now.withLock { $0 } },
        sleep: { pause in
          self.pauses.withLock { $0.append(pause) }
          self.now.withLock { $0 += pause }
        }, jitter: { 1 })
    }
  }

  private func good(_ tokens: String = "[1,2]") -> Result<HTTPAnswer, TransportFailure> {
    .success(HTTPAnswer(status: 200, body: Data("{\"tokens\":\(tokens)}".utf8)))
  }

  @Test func passingFailuresAreTriedAgain() async throws {
    let script = Script([
      .failure(.connection("refused")), .success(HTTPAnswer(status: 503, body: Data())),
      .success(HTTPAnswer(status: 429, retryAfter: "9", body: Data())), good(),
    ])
    let client = try LanguageModelClient(
      LanguageModelSettings(url: "http://h"), transport: script, clock: script.clock)
    #expect(try await client.tokenize("x") == [1, 2])
    #expect(script.pauses.withLock { $0 } == [.milliseconds(500), .seconds(1), .seconds(9)])
  }

  @Test func hopelessFailuresAreNot() async throws {
    let script = Script([.success(HTTPAnswer(status: 400, body: Data())), good()])
    let client = try LanguageModelClient(
      LanguageModelSettings(url: "http://h"), transport: script, clock: script.clock)
    await #expect(throws: LanguageModelError(.status(400), url: "http://h/tokenize")) {
      try await client.tokenize("x")
    }
    #expect(script.pauses.withLock { $0 } == [])
  }

  @Test func anOpenCircuitFailsAtOnceAndClosesAgain() async throws {
    var settings = LanguageModelSettings(url: "http://h")
    settings.attemptsMax = 2
    settings.circuitFailures = 2
    let script = Script([.failure(.timedOut), .failure(.timedOut), good()])
    let client = try LanguageModelClient(settings, transport: script, clock: script.clock)
    await #expect(throws: LanguageModelError.self) { try await client.tokenize("x") }
    #expect(client.statement.isCircuitOpen)
    let error = await #expect(throws: LanguageModelError.self) { try await client.tokenize("x") }
    #expect(error?.kind == .circuitOpen && error?.retryAfter == .seconds(5))
    #expect(error?.cause == .timedOut)
    #expect("\(try #require(error))".contains("no answer in time"))
    #expect(script.answers.withLock { $0.count } == 1)
    script.now.withLock { $0 += .seconds(5) }
    #expect(try await client.tokenize("x") == [1, 2])
    #expect(!client.statement.isCircuitOpen)
  }
}
