import Basics
import Pipeline
import Sections
import Settings
import Testing

/// What settings say of policies, tenants and exceptions.
@Suite struct PolicySettingsTests {
  private let least = """
    kafka: {bootstrap_servers: x}
    topics: {input: i, verdicts: v}

    """
  private let digest = String(repeating: "0f", count: 32)

  private func book(_ yaml: String) throws -> PolicyBook {
    try Settings(yaml: least + yaml, file: "s.yaml").policies
  }

  private func problems(_ yaml: String) -> [String] {
    do throws(SettingsError) {
      _ = try Settings(yaml: least + yaml, file: "s.yaml")
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test func aPolicyInheritsWhatItDoesNotSay() throws {
    let book = try book(
      """
      policies:
        default:
          threshold: 0.4
          mode: monitor
          unjudged: open
          categories: {hate: {threshold: 0.1}, spam: {action: allow}, fraud: {}}
        strict:
          extends: default
          threshold: 0.2
          categories: {hate: {action: flag}, spam: {threshold: 0.9, action: quarantine}}
        kids: {extends: strict, mode: enforce}
        alone: {mode: enforce}
        plain: {extends: default}
      tenants: {a: strict, b: kids, c: alone, d: plain}
      """)
    let strict = book.policy(for: "a")
    #expect(strict.threshold == 0.2 && strict.mode == .monitor && strict.unjudged == .open)
    #expect(
      strict.categories == [
        "hate": CategoryRule(threshold: 0.1, action: .flag),
        "spam": CategoryRule(threshold: 0.9, action: .quarantine),
        "fraud": CategoryRule(threshold: 0.2, action: .quarantine),
      ])
    let kids = book.policy(for: "b")
    #expect(kids.threshold == 0.2 && kids.mode == .enforce && kids.unjudged == .open)
    #expect(kids.categories == strict.categories)
    #expect(book.policy(for: "c").categories.isEmpty && book.policy(for: "c").threshold == 0.5)
    let (plain, standard) = (book.policy(for: "d"), book.standard)
    #expect(plain.name == "plain" && plain.categories == standard.categories)
    #expect(plain.threshold == 0.4)
  }

  @Test func trialsComeWithTheirPolicy() throws {
    let book = try book(
      """
      policies:
        default: {trials: [strict, lenient]}
        strict: {threshold: 0.2, trials: lenient}
        lenient: {extends: default, threshold: 0.8}
      tenants: {a: lenient, b: strict}
      """)
    #expect(book.standard.trials.map(\.name) == ["strict", "lenient"])
    #expect(book.standard.trials.map(\.threshold) == [0.2, 0.8])
    let deeper = book.standard.trials.flatMap(\.trials)
    #expect(deeper.isEmpty, "no trial is tried further")
    #expect(book.policy(for: "a").trials.isEmpty, "what is tried is not inherited")
    #expect(book.policy(for: "b").trials.map(\.name) == ["lenient"])
    #expect(book.allWithTrials.map(\.name).contains("lenient"))
  }

  @Test func exceptionsAreForAllPoliciesOrSome() throws {
    let book = try book(
      """
      policies: {strict: {threshold: 0.2}}
      tenants: {"school-*": strict}
      exceptions:
        novel: {content: \(digest.uppercased()), owner: o, reason: r, expires: 2027-02-28}
        smoke:
          metadata: {app: smoke-test, level: 3, really: true}
          policies: [strict]
          owner: o
          reason: r
          expires: "2026-12-31"
      """)
    #expect(book.standard.exceptions.map(\.name) == ["novel"])
    let strict = book.policy(for: "school-3")
    #expect(strict.exceptions.map(\.name) == ["novel", "smoke"])
    #expect(
      strict.exceptions[1].metadata == ["app": "smoke-test", "level": "3", "really": "true"])
    #expect(
      Timestamp.text(milliseconds: strict.exceptions[0].expiresAtMilliseconds)
        == "2027-03-01T00:00:00.000Z", "the last day is one of its days")
    #expect(strict.exceptions[0].contents.map(\.description) == [digest])
    #expect(book.looksAtContents)
    #expect(book.standard.digest != Policy().digest)
  }

  @Test(arguments: [
    ("policies: {a: {extends: b}}", "policies.a.extends: b is the name of no policy"),
    ("policies: {a: {extends: a}}", "policies.a.extends: a would inherit from itself"),
    (
      "policies: {a: {extends: b}, b: {extends: c}, c: {extends: a}}",
      "policies.c.extends: c would inherit from itself"
    ),
    ("policies: {a: {trials: [x]}}", "policies.a.trials: x is the name of no policy"),
    ("policies: {a: {trials: a}}", "policies.a.trials: a policy is not tried beside itself"),
    ("tenants: {'a*': nobody}", "tenants.a*: expected the name of a policy"),
    ("exceptions: {e: {owner: o, reason: r, expires: 2027-01-01}}", "it would cover nothing"),
    (
      "exceptions: {e: {content: 12, owner: o, reason: r, expires: 2027-01-01}}",
      "exceptions.e.content: expected 64 hexadecimal digits"
    ),
    (
      "exceptions: {e: {metadata: {a: b}, reason: r, expires: 2027-01-01}}",
      "exceptions.e.owner: is required"
    ),
    (
      "exceptions: {e: {metadata: {a: b}, owner: o, expires: 2027-01-01}}",
      "exceptions.e.reason: is required"
    ),
    (
      "exceptions: {e: {metadata: {a: b}, owner: o, reason: r}}",
      "exceptions.e.expires: is required"
    ),
    (
      "exceptions: {e: {metadata: {a: b}, owner: o, reason: r, expires: 2027-02-29}}",
      "exceptions.e.expires: expected a day such as 2026-12-31"
    ),
    (
      "exceptions: {e: {metadata: {a: b}, owner: o, reason: r, expires: soon}}",
      "exceptions.e.expires: expected a day"
    ),
    (
      "exceptions: {e: {metadata: {a: b}, owner: o, reason: r, expires: 2027-01-01, policies: x}}",
      "exceptions.e.policies: x is the name of no policy"
    ),
    ("exceptions: {e: {contents: 12}}", "did you mean content?"),
    ("exceptions: {e: 12}", "exceptions.e: expected keys with values"),
  ])
  func eachMistakeIsTold(yaml: String, message: String) {
    let found = problems(yaml)
    #expect(found.contains { $0.contains(message) && $0.hasPrefix("s.yaml:") }, "\(found)")
  }
}
