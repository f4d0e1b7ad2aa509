import Pipeline
import Records
import Testing

@Suite struct PolicyTests {
  @Test(arguments: [
    (Float(0.49), Policy.Mode.enforce, Policy.FlaggedAction.quarantine, Action.allow),
    (Float(0.5), .enforce, .quarantine, .quarantine),
    (Float(0.5), .enforce, .flag, .flag),
    (Float(0.5), .monitor, .quarantine, .wouldQuarantine),
    (Float(1), .monitor, .flag, .flag),
  ])
  func aPolicyTurnsAScoreIntoAnAction(
    score: Float, mode: Policy.Mode, flagged: Policy.FlaggedAction, action: Action
  ) {
    let policy = Policy(threshold: 0.5, action: flagged, mode: mode)
    let decision = policy.decide(
      Judgement(promptScore: Score(score), responseScore: nil, tokens: 1, windows: 1))
    #expect(decision.action == action)
    #expect(decision.threshold == 0.5 && decision.decidedBy == nil)
  }

  @Test func tenantsWithoutTheirOwnHaveTheStandardPolicy() {
    let strict = Policy(name: "strict", threshold: 0.1)
    let book = PolicyBook(byTenant: ["a": strict])
    #expect(book.policy(for: "a") == strict)
    #expect(book.policy(for: "b") == Policy())
    #expect(book.policy(for: nil) == Policy())
  }
}
