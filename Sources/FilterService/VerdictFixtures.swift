package import Guard
internal import Basics
package import Pipeline
internal import Records
internal import StrictJSON
package import Wire

/// Tests of a configuration: records with the verdicts that are expected of it, as lines of
/// `{"record": {…}, "expect": {…}}`.
///
/// A record is one as the daemon reads it, in JSON. Of a verdict any of these may be expected:
///
/// | key | value |
/// |---|---|
/// | `flagged` | whether it is |
/// | `action`, `policy`, `decided_by` | the verdict's |
/// | `score_at_least`, `score_at_most` | bounds of its score |
/// | `error` | the reason of a dead letter, in place of a verdict |
package struct VerdictFixtures: ~Copyable {
  /// What one line says, and how the configuration sees it.
  package struct Finding: Hashable, Sendable {
    package let line: Int
    /// The record's id, where it has one.
    package let id: String?
    /// What came out otherwise, and what was wanted; empty where all is as expected.
    package let differences: [String]
  }

  /// A line that is no test.
  package struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
    package let line: Int
    package let problem: String

    package var description: String { "line \(line): \(problem)" }
  }

  private struct Fixture: Decodable {
    let record: JSON
    let expect: Expectation
  }

  private struct Expectation: Decodable {
    var flagged: Bool?
    var action: String?
    var policy: String?
    var decidedBy: String?
    var scoreAtLeast: Float?
    var scoreAtMost: Float?
    var error: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
      case flagged, action, policy, error
      case decidedBy = "decided_by"
      case scoreAtLeast = "score_at_least"
      case scoreAtMost = "score_at_most"
    }
  }

  private let model: GuardModel
  private let policies: PolicyBook
  private var decoder: ExchangeDecoder
  private var line = 0

  /// Tests of what a model and policies make of records.
  package init(model: GuardModel, policies: PolicyBook, conversations: ConversationRules) {
    self.model = model
    self.policies = policies
    decoder = ExchangeDecoder(defaultFormat: .json, conversations: conversations)
  }

  /// How the configuration sees the next line; nil for an empty one.
  package mutating func check(
    _ text: some Collection<UInt8>
  ) throws -> Finding? {
    line += 1
    if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return nil }
    let fixture = try read(Array(text))
    let record: [UInt8]
    do throws(JSONError) {
      record = Array(try JSONCoder.encode(fixture.record))
    } catch {
      throw Mistake(line: line, problem: "record: \(error.problem)")
    }
    let id: String? = if case .text(let id)? = fixture.record["id"] { id } else { nil }
    let differences = try differences(record, fixture.expect)
    return Finding(line: line, id: id, differences: differences)
  }

  private func read(_ text: [UInt8]) throws(Mistake) -> Fixture {
    let fixture: Fixture
    let expected: JSON?
    do throws(JSONError) {
      expected = try JSONCoder.decode(JSON.self, from: text)["expect"]
      fixture = try JSONCoder.decode(Fixture.self, from: text)
    } catch {
      throw Mistake(line: line, problem: error.problem)
    }
    guard case .object(let members)? = expected, !members.isEmpty else {
      throw Mistake(line: line, problem: "expect: says nothing")
    }
    let known = Set(Expectation.CodingKeys.allCases.map(\.rawValue))
    if let stranger = members.keys.sorted().first(where: { !known.contains($0) }) {
      let choices = known.sorted().joined(separator: ", ")
      throw Mistake(line: line, problem: "expect.\(stranger): is none of \(choices)")
    }
    return fixture
  }

  private mutating func differences(
    _ record: [UInt8], _ expected: Expectation
  ) throws(ClassifierFailure) -> [String] {
    let exchange: Exchange
    let sequences: ExchangeSequences
    do throws(DecodingFailure) {
      exchange = try decoder.decode(record.span, as: .json)
      sequences = try cut(exchange)
    } catch {
      let reason = error.reason.rawValue
      if expected.error == reason { return [] }
      let wanted = expected.error.map { "the error \($0)" } ?? "a verdict"
      return ["expected \(wanted), got the error \(reason): \(error.detail)"]
    }
    let policy = policies.policy(for: exchange.tenant)
    guard let judgement = try model.judge([sequences]).first else {
      throw ClassifierFailure(detail: "the model gave no judgement")
    }
    let decision = policy.decide(
      judgement, on: ExceptionSubject(exchange), atMilliseconds: WallClock.milliseconds())
    return Self.differences(judgement.score, decision, policy.name, expected)
  }

  private func cut(_ exchange: Exchange) throws(DecodingFailure) -> ExchangeSequences {
    do throws(TokenizationFailure) {
      return try model.sequences(for: exchange)
    } catch {
      throw DecodingFailure(reason: .tooLong, detail: error.detail)
    }
  }

  private static func differences(
    _ score: Score, _ decision: PolicyDecision, _ policy: String, _ expected: Expectation
  ) -> [String] {
    var differences: [String] = []
    func compare(_ name: String, _ wanted: String?, _ got: String) {
      guard let wanted, wanted != got else { return }
      differences.append("\(name): expected \(wanted), got \(got)")
    }
    if let error = expected.error {
      differences.append("expected the error \(error), got a verdict")
    }
    compare("flagged", expected.flagged.map { "\($0)" }, "\(decision.action != .allow)")
    compare("action", expected.action, decision.action.rawValue)
    compare("policy", expected.policy, policy)
    compare("decided_by", expected.decidedBy, decision.decidedBy ?? "nothing but the score")
    if let bound = expected.scoreAtLeast, !score.reaches(bound) {
      differences.append("score: expected at least \(bound), got \(score.rawValue)")
    }
    if let bound = expected.scoreAtMost, score.reaches(bound), score != Score(bound) {
      differences.append("score: expected at most \(bound), got \(score.rawValue)")
    }
    if differences.isEmpty { return [] }
    return differences + [
      "score \(score.rawValue), threshold \(decision.threshold), policy \(policy)"
    ]
  }
}
