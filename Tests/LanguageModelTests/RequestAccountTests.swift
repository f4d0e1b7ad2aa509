import Foundation
import HTTPClient
import Settings
import Synchronization
import Testing

import LanguageModel

@Suite struct RequestAccountTests {
  private static let wall: Int64 = 1_700_000_000_000

  private func account(limit: Int?, failuresMax: Int = 3) -> RequestAccount {
    RequestAccount(
      breaker: CircuitBreaker(
        failuresMax: failuresMax, openDuration: .seconds(5), openDurationMax: .seconds(15)),
      budget: limit.map { HourlyBudget(limit: $0) })
  }

  private func admit(
    _ account: inout RequestAccount, at second: Int, isExempt: Bool = false
  ) -> RequestAccount.Refusal? {
    account.admit(at: .seconds(second), patience: .seconds(60), isExempt: isExempt)
  }

  private func statement(
    _ account: inout RequestAccount, at second: Int
  ) -> RequestAccount.Statement {
    account.statement(at: .seconds(second), wallMilliseconds: Self.wall)
  }

  private let failure = LanguageModelError(.timedOut, url: "http://h")

  @Test func whatIsSentCountsHoweverItEnds() {
    var account = account(limit: 10)
    let endings: [LanguageModelError?] = [
      nil, failure, LanguageModelError(.status(400), url: "http://h"),
      LanguageModelError(.cancelled, url: "http://h"),
    ]
    for ending in endings {
      let refusal = admit(&account, at: 0)
      #expect(refusal == nil)
      account.end(ending, at: .zero)
    }
    let statement = statement(&account, at: 0)
    #expect(statement.sent == 4)
    #expect(statement.failed == 3)
    #expect(statement.budgetLeft == 6)
    #expect(statement.spending.map(\.count) == [4])
  }

  @Test func anOpenCircuitCostsNothing() {
    var account = account(limit: 10)
    for _ in 0..<3 {
      _ = admit(&account, at: 0)
      account.end(failure, at: .zero)
    }
    for _ in 0..<100 {
      let refusal = admit(&account, at: 1)
      #expect(refusal == .circuitOpen(retryAfter: .seconds(4)))
    }
    let statement = statement(&account, at: 1)
    #expect(statement.isCircuitOpen)
    #expect(statement.budgetLeft == 7)
  }

  /// The one request that may try whether the server is back must be one that is sent.
  @Test func aSpentBudgetLeavesTheTrialToWhoeverIsSent() {
    var account = account(limit: 3)
    for _ in 0..<3 {
      _ = admit(&account, at: 0)
      account.end(failure, at: .zero)
    }
    var refusal = admit(&account, at: 10)
    #expect(refusal == .budgetSpent(retryAfter: .seconds(61 * 60 - 10)))
    refusal = admit(&account, at: 61 * 60)
    #expect(refusal == nil, "nobody holds the trial")
    refusal = admit(&account, at: 61 * 60)
    #expect(refusal == .circuitOpen(retryAfter: .seconds(5)))
  }

  /// One text may be too long; where every text is, or none was answered yet, it is the server.
  @Test func refusalsAreDoubtedUntilAnAnswerAndWhenNothingElseComes() {
    var account = account(limit: nil)
    let refusal = LanguageModelError(.status(400), url: "http://h")
    account.end(nil, at: .zero, isExempt: true)
    account.end(refusal, at: .zero)
    #expect(account.doubtsRefusals)
    account.end(nil, at: .zero)
    for _ in 1..<RequestAccount.refusalsInARowMax {
      account.end(refusal, at: .zero)
      #expect(!account.doubtsRefusals)
    }
    account.end(refusal, at: .zero)
    #expect(account.doubtsRefusals)
    account.end(nil, at: .zero)
    #expect(!account.doubtsRefusals)
  }

  @Test func whatIsExemptCountsAndIsOnlyHeldBackByTheCircuit() {
    var account = account(limit: 2)
    for _ in 0..<4 {
      let refusal = admit(&account, at: 0, isExempt: true)
      #expect(refusal == nil)
    }
    var refusal = admit(&account, at: 0)
    #expect(refusal == .budgetSpent(retryAfter: .seconds(61 * 60)))
    for _ in 0..<3 { account.end(failure, at: .zero) }
    refusal = admit(&account, at: 0, isExempt: true)
    #expect(refusal == .circuitOpen(retryAfter: .seconds(5)))
  }

  @Test func withoutALimitNothingIsKept() {
    var account = account(limit: nil)
    for _ in 0..<1_000 { _ = admit(&account, at: 0) }
    let statement = statement(&account, at: 0)
    #expect(statement.sent == 1_000)
    #expect(statement.budgetLeft == nil)
    #expect(statement.spending.isEmpty)
  }

  // MARK: Over a client

  /// A transport that fails a number of times, and a clock whose pauses take no time.
  private final class Flaky: HTTPTransport {
    let failuresLeft: Mutex<Int>
    let sent = Mutex(0)

    init(failures: Int) { failuresLeft = Mutex(failures) }

    func send(_ request: HTTPRequest) async throws(TransportFailure) -> HTTPAnswer {
      sent.withLock { $0 += 1 }
      let fails = failuresLeft.withLock { left in
        left -= 1
        return left >= 0
      }
      if fails { throw .timedOut }
      let body = #"{"choices":[{"text":"safe","finish_reason":"stop"}]}"#
      return HTTPAnswer(status: 200, body: Data(body.utf8))
    }

    func client(
      limit: Int, attempts: Int, spending: [HourlyBudget.Spending] = []
    ) throws -> LanguageModelClient {
      var settings = LanguageModelSettings(url: "http://h", model: "m")
      settings.attemptsMax = attempts
      settings.requestsPerHour = limit
      let clock = ClientClock(
        now: { .zero }, sleep: { _ in }, jitter: { 1 },
        wallMilliseconds: { RequestAccountTests.wall })
      return try LanguageModelClient(
        settings, spending: spending, transport: self, clock: clock)
    }
  }

  @Test(arguments: 0..<5)
  func eachTryOfAQuestionCounts(retries: Int) async throws {
    let transport = Flaky(failures: retries)
    let client = try transport.client(limit: 100, attempts: 5)
    let answer = try await client.complete("p", sampling: Sampling(tokensMax: 1))
    #expect(answer.requests == retries + 1)
    #expect(client.statement.budgetLeft == 100 - (retries + 1))
    #expect(client.statement.sent == transport.sent.withLock { $0 })
    #expect(client.statement.failed == retries)
  }

  @Test func aQuestionEndsWhereTheBudgetDoes() async throws {
    let transport = Flaky(failures: 5)
    let client = try transport.client(limit: 3, attempts: 5)
    let refusal = LanguageModelError(
      .budgetSpent, url: "http://h/v1/completions", retryAfter: .seconds(61 * 60))
    for _ in 0..<3 {
      await #expect(throws: refusal) {
        try await client.complete("p", sampling: Sampling(tokensMax: 1))
      }
    }
    #expect(transport.sent.withLock { $0 } == 3)
  }

  @Test func aNewProcessGoesOnWhereTheFormerEnded() async throws {
    let transport = Flaky(failures: 0)
    let former = try transport.client(limit: 3, attempts: 1)
    for _ in 0..<2 { _ = try await former.complete("p", sampling: Sampling(tokensMax: 1)) }
    let client = try transport.client(
      limit: 3, attempts: 1, spending: former.statement.spending)
    #expect(client.statement.budgetLeft == 1)
    _ = try await client.complete("p", sampling: Sampling(tokensMax: 1))
    let error = await #expect(throws: LanguageModelError.self) {
      try await client.complete("p", sampling: Sampling(tokensMax: 1))
    }
    #expect(error?.kind == .budgetSpent)
    #expect(error?.isWithheld == true)
    #expect(transport.sent.withLock { $0 } == 3)
  }
}
