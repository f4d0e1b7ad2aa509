import Pipeline
import Records
import Testing

@Suite struct RouterTests {
  private let topics = OutputTopics(
    verdicts: "verdicts", deadLetters: "dead", clean: "clean", quarantine: "quarantine")

  /// The judged item of one exchange with that score.
  private func item(score: Float, tenant: String? = nil) throws -> JudgedItem {
    let bench = Bench(StreamLimits(batch: BatchLimits(lingerMilliseconds: 0)))
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
      promptScore: Score(score), responseScore: nil, tokens: 2, windows: 1)
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
    let router = Router(topics: topics, policies: PolicyBook())
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
    let dispatches = Router(topics: topics, policies: policies).route(try item(score: 0.9))
    #expect(dispatches.map(\.topic) == ["verdicts", "clean"])
    #expect(try verdict(dispatches[0]).action == .wouldQuarantine)
    #expect(try verdict(dispatches[0]).flagged)
  }

  @Test func aTenantHasItsOwnPolicy() throws {
    let strict = Policy(name: "strict", threshold: 0.1)
    let router = Router(topics: topics, policies: PolicyBook(byTenant: ["acme": strict]))
    #expect(try verdict(router.route(try item(score: 0.2, tenant: "acme"))[0]).policy == "strict")
    #expect(try verdict(router.route(try item(score: 0.2, tenant: "other"))[0]).action == .allow)
  }

  @Test func withoutCopyTopicsOnlyTheVerdictIsWritten() throws {
    let router = Router(
      topics: OutputTopics(verdicts: "verdicts", deadLetters: "dead"), policies: PolicyBook())
    #expect(router.route(try item(score: 0.9)).map(\.topic) == ["verdicts"])
  }
}
