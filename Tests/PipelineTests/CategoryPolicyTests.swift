import Pipeline
import Records
import TestSupport
import Testing

/// Rules for single categories beside the policy's own threshold.
@Suite struct CategoryPolicyTests {
  private let labels = CategoryScheme(
    names: ["safe", "violence", "hate", "spam"], unsafe: [1, 2, 3], areExclusive: true)
  private let questions = CategoryScheme(
    names: ["violence", "hate", "spam"], unsafe: [0, 1, 2], areExclusive: false)

  private func judgement(
    _ scheme: CategoryScheme, _ probabilities: [Float], score: Float
  ) -> Judgement {
    Judgement(
      promptScore: Score(score), responseScore: nil, tokens: 1, windows: 1,
      categories: CategoryScores(scheme: scheme, probabilities: probabilities))
  }

  @Test func withoutRulesTheScoreDecides() {
    let sum = judgement(labels, [0.4, 0.3, 0.2, 0.1], score: 0.6)
    let decision = Policy().decide(sum)
    #expect(decision.action == .quarantine && decision.decidedBy == nil)
    #expect(decision.flaggedCategories == [])
    let largest = Policy().decide(judgement(questions, [0.7, 0.1, 0.6], score: 0.7))
    #expect(largest.flaggedCategories == ["violence", "spam"])
    #expect(largest.category == nil && largest.threshold == 0.5)
  }

  @Test func aCategoryWithARuleNoLongerCountsInTheScore() {
    let lenient = Policy(categories: ["spam": CategoryRule(threshold: 0.9, action: .flag)])
    let spam = judgement(labels, [0.2, 0.05, 0.05, 0.7], score: 0.8)
    #expect(lenient.decide(spam).action == .allow)
    #expect(lenient.decide(spam).threshold == 0.5 && lenient.decide(spam).decidedBy == "score")
    #expect(Policy().decide(spam).action == .quarantine)
    // What is left still adds up where one label is right.
    let others = judgement(labels, [0.3, 0.3, 0.3, 0.1], score: 0.7)
    #expect(lenient.decide(others).action == .quarantine)
    #expect(lenient.decide(others).decidedBy == "score")
    let apart = judgement(questions, [0.3, 0.3, 0.95], score: 0.95)
    #expect(lenient.decide(apart).action == .flag)
    #expect(lenient.decide(apart).decidedBy == "category:spam")
    #expect(lenient.decide(apart).threshold == 0.9)
  }

  @Test func whatIsAllowedNeverFlags() {
    let policy = Policy(categories: ["spam": CategoryRule(threshold: 0, action: nil)])
    let decision = policy.decide(judgement(questions, [0.1, 0.1, 1], score: 1))
    #expect(decision.action == .allow && decision.flaggedCategories == [])
  }

  @Test func theStrictestRuleWinsAndThenTheSurest() {
    let policy = Policy(
      action: .flag,
      categories: [
        "violence": CategoryRule(threshold: 0.1, action: .quarantine),
        "hate": CategoryRule(threshold: 0.1, action: .quarantine),
        "spam": CategoryRule(threshold: 0.1, action: .flag),
      ])
    let all = policy.decide(judgement(questions, [0.2, 0.4, 0.9], score: 0.9))
    #expect(all.action == .quarantine && all.category == "hate")
    let watching = Policy(action: .flag, mode: .monitor, categories: policy.categories)
    let watched = watching.decide(judgement(questions, [0.2, 0.4, 0.9], score: 0.9))
    #expect(watched.action == .wouldQuarantine && watched.category == "hate")
  }

  /// The sum over windows that have their largest values in different categories.
  @Test func whatIsLeftIsNeverMoreThanTheScore() {
    let policy = Policy(
      threshold: 0.65, categories: ["spam": CategoryRule(threshold: 0.5, action: .flag)])
    let windows = judgement(labels, [0.4, 0.6, 0.5, 0], score: 0.6)
    #expect(policy.decide(windows).action == .allow)
  }

  /// A rule that says what the policy says anyway changes no decision where labels are questions of
  /// their own, and a stricter one never lets more pass.
  @Test(arguments: 0..<50) func rulesBehave(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    func random() -> Float { Float.random(in: 0...1, using: &generator) }
    for _ in 0..<40 {
      let probabilities = [random(), random(), random()]
      let judged = judgement(questions, probabilities, score: probabilities.max() ?? 0)
      let plain = Policy(threshold: random())
      func ruled(_ threshold: Float) -> Policy {
        Policy(
          threshold: plain.threshold,
          categories: ["hate": CategoryRule(threshold: threshold, action: .quarantine)])
      }
      let same = ruled(plain.threshold)
      #expect(same.decide(judged).action == plain.decide(judged).action)
      #expect(same.decide(judged).flaggedCategories == plain.decide(judged).flaggedCategories)
      let stricter = ruled(plain.threshold * random())
      let isLet = stricter.decide(judged).action == .allow
      #expect(!isLet || plain.decide(judged).action == .allow)
    }
  }

  /// Each committed verdict counts for every category that reached its threshold.
  @Test func flaggedCategoriesAreCountedAtTheCommit() throws {
    let spam = CategoryRule(threshold: 0.2, action: nil)
    let bench = Bench(
      StreamLimits(batch: BatchLimits(lingerMilliseconds: 0)),
      policies: PolicyBook(standard: Policy(categories: ["spam": spam])))
    bench.feed(0...1)
    let batch = try #require(bench.nextBatch())
    bench.machine.judged(
      batch.id,
      [
        judgement(questions, [0.6, 0.9, 0.9], score: 0.9),
        judgement(questions, [0.6, 0.1, 0.1], score: 0.6),
      ], atMilliseconds: 0)
    let transaction = try #require(bench.nextTransaction())
    #expect(bench.machine.counters.flaggedCategories == [:])
    bench.machine.committed(transaction.id, now: bench.now)
    #expect(bench.machine.counters.flaggedCategories == ["violence": 2, "hate": 1])
  }

  @Test func rulesForWhatTheModelLacksAreTold() {
    let book = PolicyBook(
      byTenant: [
        "acme": Policy(
          name: "strict", categories: ["gore": CategoryRule(threshold: 0.1, action: .flag)])
      ])
    #expect(
      book.complaint(about: questions)
        == "policies.strict.categories.gore: the model's unsafe labels are violence, hate, spam")
    #expect(
      book.complaint(about: nil) == "policies.strict.categories.gore: the model has no categories")
    #expect(PolicyBook().complaint(about: nil) == nil)
    let known = PolicyBook(
      standard: Policy(categories: ["spam": CategoryRule(threshold: 0.1, action: .flag)]))
    #expect(known.complaint(about: labels) == nil)
    let safe = PolicyBook(
      standard: Policy(categories: ["safe": CategoryRule(threshold: 0.1, action: .flag)]))
    #expect(safe.complaint(about: labels) != nil)
  }
}
