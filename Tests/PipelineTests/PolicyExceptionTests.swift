import Basics
import Pipeline
import Records
import TestSupport
import Testing

/// Known false positives that pass for a time.
@Suite struct PolicyExceptionTests {
  private let exchange = Exchange(
    prompt: "How do I kill a process?", response: "With kill.",
    metadata: [
      MetadataEntry(name: "channel", value: "press"), MetadataEntry(name: "n", value: "1"),
    ])
  private let flagged = Judgement(
    promptScore: Score(0.9), responseScore: nil, tokens: 1, windows: 1)

  private var content: ContentDigest {
    ContentDigest(prompt: exchange.prompt, response: exchange.response)
  }

  private func decision(
    _ exceptions: [PolicyException], on subject: ExceptionSubject? = nil,
    _ judgement: Judgement? = nil, at time: Int64 = 99
  ) -> PolicyDecision {
    Policy(exceptions: exceptions).decide(
      judgement ?? flagged, on: subject ?? ExceptionSubject(exchange), atMilliseconds: time)
  }

  @Test func whatIsCoveredPasses() {
    let coverings: [(Set<ContentDigest>, [String: String])] = [
      ([content], [:]), ([content, ContentDigest(of: [])], [:]), ([], ["channel": "press"]),
      ([], ["channel": "press", "n": "1"]), ([content], ["channel": "press"]),
    ]
    for (contents, metadata) in coverings {
      let exception = PolicyException(
        name: "novel", contents: contents, metadata: metadata, expiresAtMilliseconds: 100)
      let decision = decision([exception])
      #expect(decision.action == .allow && decision.decidedBy == "exception:novel")
      #expect(decision.threshold == 0.5, "the score stays where it was flagged")
    }
  }

  @Test func whatIsNotCoveredIsFlagged() {
    let others: [(Set<ContentDigest>, [String: String])] = [
      ([ContentDigest(of: [])], [:]), ([], ["channel": "Press"]), ([], ["chanel": "press"]),
      ([content], ["channel": "mail"]), ([], ["channel": "press", "n": "2"]), ([], [:]),
      ([ContentDigest(prompt: exchange.prompt, response: nil)], [:]),
    ]
    for (contents, metadata) in others {
      let exception = PolicyException(
        name: "novel", contents: contents, metadata: metadata, expiresAtMilliseconds: 100)
      #expect(decision([exception]).action == .quarantine, "\(contents) \(metadata)")
    }
    let exception = PolicyException(
      name: "novel", contents: [content], expiresAtMilliseconds: 100)
    let unknown = ExceptionSubject(content: nil, metadata: exchange.metadata)
    #expect(decision([exception], on: unknown).action == .quarantine)
  }

  @Test func itEndsAtItsMoment() {
    let exception = PolicyException(
      name: "novel", contents: [content], expiresAtMilliseconds: 100)
    #expect(decision([exception], at: 99).action == .allow)
    #expect(decision([exception], at: 100).action == .quarantine)
  }

  /// It makes nothing of what would pass anyway.
  @Test func whatIsNotFlaggedIsDecidedByItsScore() {
    let exception = PolicyException(
      name: "novel", contents: [content], expiresAtMilliseconds: 100)
    let harmless = Judgement(promptScore: Score(0.1), responseScore: nil, tokens: 1, windows: 1)
    let decision = decision([exception], harmless)
    #expect(decision.action == .allow && decision.decidedBy == nil)
  }

  /// The lines of docs/FORMATS.md.
  @Test func theDigestHasThem() {
    let exceptions = [
      PolicyException(
        name: "b", metadata: ["größe": "1 m", "a": ""], expiresAtMilliseconds: 1_798_761_600_000),
      PolicyException(
        name: "a\u{301}", contents: [content, ContentDigest(of: [])], expiresAtMilliseconds: 0),
    ]
    let contents = [content, ContentDigest(of: [])].map(\.description).sorted()
    let text = """
      sluice policy 1
      name 7 default
      threshold 0.5
      action quarantine
      mode enforce
      unjudged closed
      exception 3 a\u{301}
      expires 1970-01-01T00:00:00.000Z
      content \(contents[0])
      content \(contents[1])
      exception 1 b
      expires 2027-01-01T00:00:00.000Z
      metadata 1 a 0\u{20}
      metadata 7 größe 3 1 m

      """
    #expect(Policy(exceptions: exceptions).digest == ContentDigest(of: text.utf8).description)
    #expect(
      Policy(exceptions: exceptions.reversed()).digest == Policy(exceptions: exceptions).digest)
    #expect(Policy(trials: [Policy(name: "other")]).digest == Policy().digest)
  }
}

/// Tenants whose names are alike.
@Suite struct TenantPatternTests {
  @Test(arguments: [
    ("school-*", "school-", true), ("school-*", "school-12", true), ("school-*", "schools", false),
    ("*-eu", "a-eu", true), ("*-eu", "-eu", true), ("*-eu", "a-eus", false), ("*", "", true),
    ("*", "anything", true), ("a*b*c", "abc", true), ("a*b*c", "a-b-b-c", true),
    ("a*b*c", "acb", false), ("a*a", "a", false), ("a*a", "aa", true), ("**x**", "axb", true),
    ("ab*ba", "aba", false), ("é*", "éa", true), ("A*", "a", false), ("*bb*b", "abbb", true),
    ("*ab*ab*", "aab", false), ("*ab*ab*", "abab", true),
  ])
  func aStarStandsForAnything(pattern: String, tenant: String, isMatch: Bool) throws {
    let pattern = try #require(TenantPattern(pattern, policy: Policy()))
    #expect(pattern.matches(tenant) == isMatch)
  }

  @Test func aNameIsNoPattern() { #expect(TenantPattern("acme", policy: Policy()) == nil) }

  /// Against a matcher that tries every way.
  @Test func patternsMatchAsTheirPlainTwinDoes() throws {
    func matches(_ pattern: Substring, _ text: Substring) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      if first == "*" {
        return matches(pattern.dropFirst(), text)
          || (!text.isEmpty && matches(pattern, text.dropFirst()))
      }
      return text.first == first && matches(pattern.dropFirst(), text.dropFirst())
    }
    var random = SeededGenerator(seed: 16)
    func word(_ letters: [Character], _ lengths: ClosedRange<Int>) -> String {
      let count = Int.random(in: lengths, using: &random)
      return String(
        (0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &random)] })
    }
    for _ in 0..<20_000 {
      let (text, tenant) = (word(["a", "b", "*"], 1...6), word(["a", "b"], 0...7))
      guard let pattern = TenantPattern(text, policy: Policy()) else { continue }
      #expect(pattern.matches(tenant) == matches(text[...], tenant[...]), "\(text) \(tenant)")
    }
  }

  @Test func theNarrowestCounts() throws {
    func pattern(_ text: String) throws -> TenantPattern {
      try #require(TenantPattern(text, policy: Policy(name: text)))
    }
    let book = PolicyBook(
      byTenant: ["school-12": Policy(name: "exact")],
      byPattern: try ["*", "school-*", "*-12", "school-1*"].map(pattern))
    let names = ["school-12", "school-13", "school-2", "x-12", "x", nil].map {
      book.policy(for: $0).name
    }
    #expect(names == ["exact", "school-1*", "school-*", "*-12", "*", "default"])
    #expect(book.all.count == 6)
  }
}
