import Pipeline
import Records
import Testing

@Suite struct RouterTests {
  private let topics = OutputTopics(
    verdicts: "verdicts", deadLetters: "dead", clean: "clean", quarantine: "quarantine")

  /// The judged item of one exchange with that score.
  private func item(
    score: Float, tenant: String? = nil, policies: PolicyBook = PolicyBook(),
    categories: CategoryScores? = nil
  ) throws -> JudgedItem {
    let bench = Bench(
      StreamLimits(batch: BatchLimits(lingerMilliseconds: 0)), policies: policies)
    let chunk = try #require(bench.receive([Bench.record(5)]))
    let exchange = PreparedExchange(
      id: "x-1", sequences: ExchangeSequences(prompt: [[1, 2]]))
    bench.machine.prepared(
      chunk.id,
      [
        PreparedItem(
          item: chunk.items[0], format: .json, tenant: tenant, preparation: .judge(exchange),
          for: NamedModel(model: "m@1"))
      ],
      now: bench.now)
    let batch = try #require(bench.nextBatch())
    let judgement = Judgement(
      promptScore: Score(score), responseScore: nil, tokens: 2, windows: 1,
      categories: categories)
    bench.machine.judged(batch.id, [judgement], atMilliseconds: 77)
    return try #require(bench.nextTransaction()).items[0]
  }

  private func verdict(_ dispatch: Dispatch) throws -> Verdict {
    guard case .verdict(let verdict) = dispatch.content else {
      throw Unexpected()
    }
    return verdict
  }

  private struct Unexpected: Error {}

  @Test(arguments: [(0.49, Action.allow, "clean"), (0.5, Action.quarantine, "quarantine")])
  func theScoreDecidesActionAndCopy(score: Float, action: Action, copyTopic: String) throws {
    let router = Router(topics: topics)
    let dispatches = router.route(try item(score: score))
    #expect(dispatches.map(\.topic) == ["verdicts", copyTopic])
    let verdict = try verdict(dispatches[0])
    #expect(verdict.action == action)
    #expect(verdict.flagged == (action != .allow))
    #expect(verdict.id == "x-1")
    #expect(verdict.model == "m@1")
    #expect(verdict.judgedAtMilliseconds == 77)
    #expect(verdict.source == SourcePosition(topic: "in", partition: 0, offset: 5))
  }

  @Test func aMonitoringPolicyReportsAndLetsPass() throws {
    let policies = PolicyBook(standard: Policy(mode: .monitor))
    let dispatches = Router(topics: topics).route(
      try item(score: 0.9, policies: policies))
    #expect(dispatches.map(\.topic) == ["verdicts", "clean"])
    #expect(try verdict(dispatches[0]).action == .wouldQuarantine)
    #expect(try verdict(dispatches[0]).flagged)
  }

  @Test func aTenantHasItsOwnPolicy() throws {
    let strict = Policy(name: "strict", threshold: 0.1)
    let policies = PolicyBook(byTenant: ["acme": strict])
    func verdict(_ tenant: String) throws -> Verdict {
      let item = try item(score: 0.2, tenant: tenant, policies: policies)
      return try self.verdict(Router(topics: topics).route(item)[0])
    }
    #expect(try verdict("acme").policy == "strict")
    #expect(try verdict("acme").action == .quarantine)
    #expect(try verdict("other").action == .allow)
  }

  @Test func aCategoryDecidesWhereItsRuleIsReached() throws {
    let rule = CategoryRule(threshold: 0.2, action: .quarantine)
    let policies = PolicyBook(standard: Policy(categories: ["violence": rule]))
    let categories = CategoryScores(
      scheme: CategoryScheme(names: ["violence", "hate"], unsafe: [0, 1], areExclusive: false),
      probabilities: [0.25, 0.4])
    let item = try item(score: 0.4, policies: policies, categories: categories)
    let dispatches = Router(topics: topics).route(item)
    #expect(dispatches.map(\.topic) == ["verdicts", "quarantine"])
    let verdict = try verdict(dispatches[0])
    #expect(verdict.decidedBy == "category:violence")
    #expect(verdict.threshold == 0.2 && verdict.flagged)
    #expect(verdict.categories.map(\.name) == ["hate", "violence"])
    #expect(verdict.categories.map(\.probability) == [0.4, 0.25])
  }

  @Test func withoutCopyTopicsOnlyTheVerdictIsWritten() throws {
    let router = Router(
      topics: OutputTopics(verdicts: "verdicts", deadLetters: "dead"))
    #expect(router.route(try item(score: 0.9)).map(\.topic) == ["verdicts"])
  }
}
