import Basics
import Pipeline
import TestSupport
import Testing

/// What a verdict says of the rules that decided.
@Suite struct PolicyDigestTests {
  /// The lines of docs/FORMATS.md.
  @Test func theDigestIsThatOfItsLines() {
    let policy = Policy(
      name: "größer", threshold: 0.25, action: .flag, mode: .monitor, unjudged: .open,
      categories: [
        "hate": CategoryRule(threshold: 0.8, action: .flag),
        "a b": CategoryRule(threshold: 1, action: nil),
      ])
    let text = """
      sluice policy 1
      name 8 größer
      threshold 0.25
      action flag
      mode monitor
      unjudged open
      category allow 1.0 3 a b
      category flag 0.8 4 hate

      """
    #expect(policy.digest == ContentDigest(of: text.utf8).description)
  }

  /// Whatever decides changes the digest, and nothing else does.
  @Test func everyRuleCounts() {
    let rule = CategoryRule(threshold: 0.5, action: .flag)
    let policies = [
      Policy(), Policy(name: "b"), Policy(threshold: 0.50001), Policy(action: .flag),
      Policy(mode: .monitor), Policy(unjudged: .open), Policy(categories: ["x": rule]),
      Policy(categories: ["y": rule]),
      Policy(categories: ["x": CategoryRule(threshold: 0.6, action: .flag)]),
      Policy(categories: ["x": CategoryRule(threshold: 0.5, action: nil)]),
      Policy(name: "b\nthreshold 0.5"), Policy(categories: ["x": rule, "y": rule]),
    ]
    #expect(Set(policies.map(\.digest)).count == policies.count)
    #expect(Policy().digest == Policy(name: "default", threshold: 0.5).digest)
    #expect(Policy().digest.count == 64)
  }

  @Test func eachPolicyOfABookIsListedOnce() {
    let strict = Policy(name: "strict", threshold: 0.1)
    let book = PolicyBook(byTenant: ["a": strict, "b": strict, "c": Policy()])
    #expect(book.all.map(\.name) == ["default", "strict"])
  }
}
