internal import LanguageModel

/// Why a run ends before its time.
enum Stop: Error, Hashable, Sendable {
  case budget(Budget.Limit)
  case failed(AugmentationError)
  /// Another task's reason is the run's.
  case closed
}

/// Gets each answer once: from the journal, or from a server within the budget.
struct Asker: Sendable {
  /// How often a server that is out of order is waited for, beyond the client's own tries.
  static let outageTriesMax = 5
  /// How long each time, unless the server or the circuit breaker says.
  static let outagePause = Duration.seconds(5)
  /// How long at most, whatever they say.
  static let outagePauseMax = Duration.seconds(60)

  let journal: Journal
  let budget: Budget
  let clock: ClientClock
  let start: Duration
  private let watch = ServerWatch()

  init(journal: Journal, budget: Budget, clock: ClientClock) {
    self.journal = journal
    self.budget = budget
    self.clock = clock
    start = clock.now()
  }

  /// Lets nobody wait for a server any longer.
  func close() { watch.close() }

  /// What a language model writes for one step of an instruction.
  func write(
    _ index: Int, _ step: RequestKind, _ client: LanguageModelClient, role: String,
    turns: [ChatTurn],
    sampling: Sampling
  ) async throws(Stop) -> JournalEntry {
    try await answer(index, step, role: role) { () async throws(LanguageModelError) in
      let completion = try await client.chat(turns, sampling: sampling)
      var entry = JournalEntry(index: index, step: step)
      entry.text = completion.text
      entry.isCut = completion.isCut
      entry.isRefusal = completion.isRefusal ? true : nil
      entry.promptTokens = completion.usage.prompt
      entry.generatedTokens = completion.usage.generated
      return entry
    }
  }

  /// What the teacher thinks of one row.
  func judge(
    _ index: Int, _ step: RequestKind, _ teacher: LogProbabilityTeacher, prompt: String,
    response: String?
  ) async throws(Stop) -> JournalEntry {
    try await answer(index, step, role: "teacher") { () async throws(LanguageModelError) in
      let judgement = try await teacher.judge(prompt: prompt, response: response)
      var entry = JournalEntry(index: index, step: step)
      switch judgement.opinion {
      case .probability(let value): entry.score = value
      case .unknown(let reason): entry.unknown = reason.rawValue
      }
      entry.requests = judgement.requests
      entry.promptTokens = judgement.usage.prompt
      entry.generatedTokens = judgement.usage.generated
      return entry
    }
  }

  private func answer(
    _ index: Int, _ step: RequestKind, role: String,
    _ request: () async throws(LanguageModelError) -> JournalEntry
  ) async throws(Stop) -> JournalEntry {
    if let known = journal.take(index, step) { return known }
    var outages = 0
    while true {
      try watch.checkOpen()
      try checkBudget()
      var entry: JournalEntry
      do throws(LanguageModelError) {
        entry = try await request()
        watch.answered(role)
      } catch {
        if error.isPassing {
          outages += 1
          try await sitOut(error, outages, role)
          continue
        }
        // Only what this request has for itself is remembered: the others are asked again.
        guard error.isAboutRequest else { throw .failed(AugmentationError(error, role: role)) }
        guard watch.refused(role) else {
          let count = ServerWatch.refusalsInARowMax
          throw .failed(
            .server(role: role, problem: "it answers none of \(count) requests: \(error)"))
        }
        entry = JournalEntry(index: index, step: step)
        entry.failure = Self.words(error)
      }
      do throws(AugmentationError) {
        try journal.append(entry)
      } catch {
        throw .failed(error)
      }
      return entry
    }
  }

  private func checkBudget() throws(Stop) {
    let totals = journal.totals
    let limit = budget.exhausted(
      requests: totals.requests, tokens: totals.tokens, elapsed: clock.now() - start)
    if let limit { throw .budget(limit) }
  }

  /// Waits while a server is out of order, a bounded number of times.
  private func sitOut(
    _ error: LanguageModelError, _ outages: Int, _ role: String
  ) async throws(Stop) {
    guard outages <= Self.outageTriesMax else {
      throw .failed(AugmentationError(error, role: role))
    }
    let pause = min(error.retryAfter ?? Self.outagePause, Self.outagePauseMax)
    try await watch.wait(pause, clock, role: role)
  }

  /// The kind of a failure, without the server's address.
  private static func words(_ error: LanguageModelError) -> String {
    if case .status(let code) = error.kind { "status \(code)" } else { "malformed answer" }
  }
}
