import FilterService
import Guard
import Pipeline
import Records
import Settings
import Tensors
import TestSupport
import Testing
import Wire

/// Tests of a configuration by expected verdicts.
@Suite struct VerdictFixturesTests {
  private let model: GuardModel

  init() throws {
    var settings = ModelSettings(path: GoldenCase.url("v3-style").path)
    settings.windowsMax = 2
    model = try GuardModel(settings: settings, pool: WorkerPool(workers: 1))
  }

  private static let policies = PolicyBook(
    standard: Policy(threshold: 0), byTenant: ["kids": Policy(name: "careful", threshold: 1)])

  private func finding(_ line: String) throws -> VerdictFixtures.Finding? {
    var fixtures = VerdictFixtures(
      model: model, policies: Self.policies, conversations: ConversationRules())
    return try fixtures.check(Array(line.utf8))
  }

  @Test(arguments: [
    #"{"record": {"prompt": "a fox"}, "expect": {"flagged": true, "action": "quarantine"}}"#,
    #"{"record": {"prompt": "a fox"}, "expect": {"policy": "default", "score_at_least": 0}}"#,
    #"{"record": {"prompt": "a", "tenant": "kids"}, "expect": {"policy": "careful"}}"#,
    #"{"record": {"prompt": "a", "tenant": "kids"}, "expect": {"flagged": false}}"#,
    #"{"record": {"response": "a"}, "expect": {"error": "missing_prompt"}}"#,
    #"{"record": {"messages": [{"role": "user", "content": "a"}]}, "expect": {"flagged": true}}"#,
    #"{"record": {"prompt": 3}, "expect": {"error": "malformed"}, "why": "a number"}"#,
  ])
  func whatIsExpectedIsSo(line: String) throws {
    let finding = try #require(try finding(line))
    #expect(finding.differences == [], "\(finding)")
  }

  /// A difference says what was wanted and what came, and never the text.
  @Test(arguments: [
    (
      #"{"record": {"id": "x", "prompt": "secretword"}, "expect": {"action": "allow"}}"#,
      "action: expected allow, got quarantine"
    ),
    (
      #"{"record": {"prompt": "secretword", "tenant": "kids"}, "expect": {"flagged": true}}"#,
      "flagged: expected true, got false"
    ),
    (
      #"{"record": {"prompt": "secretword"}, "expect": {"score_at_least": 1}}"#,
      "score: expected at least 1.0, got 0."
    ),
    (
      #"{"record": {"prompt": "secretword"}, "expect": {"score_at_most": 0}}"#,
      "score: expected at most 0.0, got 0."
    ),
    (
      #"{"record": {"prompt": "secretword"}, "expect": {"error": "malformed"}}"#,
      "expected the error malformed, got a verdict"
    ),
    (
      #"{"record": {"response": "secretword"}, "expect": {"flagged": true}}"#,
      "expected a verdict, got the error missing_prompt"
    ),
    (
      #"{"record": {"prompt": "secretword"}, "expect": {"decided_by": "category:hate"}}"#,
      "decided_by: expected category:hate, got nothing but the score"
    ),
  ])
  func differencesAreTold(line: String, difference: String) throws {
    let finding = try #require(try finding(line))
    #expect(finding.differences.contains { $0.hasPrefix(difference) }, "\(finding)")
    #expect(!"\(finding)".contains("secretword"))
    #expect(finding.id == (line.contains("\"id\"") ? "x" : nil))
  }

  @Test func aTextThatIsTooLongIsAnError() throws {
    let long = String(repeating: "fox ", count: 5_000)
    let line = #"{"record": {"prompt": "\#(long)"}, "expect": {"error": "too_long"}}"#
    #expect(try finding(line)?.differences == [])
  }

  @Test(arguments: [
    ("{", "line 1: "), (#"{"record": {"prompt": "a"}}"#, "expect"),
    (#"{"record": {"prompt": "a"}, "expect": {}}"#, "expect: says nothing"),
    (#"{"record": {"prompt": "a"}, "expect": {"flaged": true}}"#, "expect.flaged: is none of"),
    (#"{"record": {"prompt": "a"}, "expect": {"flagged": "yes"}}"#, "flagged"),
    (#"{"expect": {"flagged": true}}"#, "record"),
  ])
  func linesThatAreNoTestsAreTold(line: String, problem: String) throws {
    let mistake = #expect(throws: VerdictFixtures.Mistake.self) { try finding(line) }
    #expect(mistake?.description.contains(problem) == true, "\(String(describing: mistake))")
    #expect(try finding("  ") == nil)
  }
}
