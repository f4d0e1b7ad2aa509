import Records
import TestSupport
import Testing
import Wire

@Suite("A verdict")
struct VerdictTests {
  private static let full = Verdict(
    id: "c-1", flagged: true, action: .quarantine,
    judgement: Judgement(
      promptScore: Score(0.41), responseScore: Score(0.97), tokens: 214, windows: 1),
    threshold: 0.5, model: "guard-tiny@3f9c2a1b", policy: "default",
    source: SourcePosition(topic: "chat.exchanges", partition: 3, offset: 1042),
    judgedAtMilliseconds: 1_769_850_000_123,
    metadata: [MetadataEntry(name: "k", value: "v"), MetadataEntry(name: "a", value: "\0")],
    coverage: Coverage(texts: 4, judged: 2, leftOut: ["system": 1, "earlier_turns": 1]),
    categories: [
      Category(name: "violence", probability: 0.9), Category(name: "hate", probability: 0.25),
    ],
    precision: "fp32", decidedBy: "category:violence",
    policyDigest: String(repeating: "0f", count: 32),
    supersedes: SourcePosition(topic: "chat.verdicts", partition: 1, offset: 9))

  private func text(_ verdict: Verdict, echoesMetadata: Bool = false) -> String {
    let payload = VerdictEncoder(echoesMetadata: echoesMetadata).encode(verdict, as: .json)
    return String(decoding: payload, as: UTF8.self)
  }

  @Test("in JSON is the public contract to the letter")
  func contract() {
    let start =
      #"{"id":"c-1","flagged":true,"action":"quarantine","score":0.97,"prompt_score":0.41,"#
      + #""response_score":0.97,"threshold":0.5,"model":"guard-tiny@3f9c2a1b","#
      + #""policy":"default","tokens":214,"windows":1,"#
      + #""coverage":{"texts":4,"judged":2,"left_out":{"earlier_turns":1,"system":1}},"#
      + #""categories":[{"name":"violence","probability":0.9},"#
      + #"{"name":"hate","probability":0.25}],"precision":"fp32","#
      + #""decided_by":"category:violence","policy_digest":""#
      + String(repeating: "0f", count: 32) + #"","#
      + #""source":{"topic":"chat.exchanges","partition":3,"offset":1042},"#
      + #""supersedes":{"topic":"chat.verdicts","partition":1,"offset":9},"#
      + #""judged_at":"2026-01-31T09:00:00.123Z""#
    #expect(text(Self.full) == start + "}")
    #expect(
      text(Self.full, echoesMetadata: true)
        == start + #","metadata":{"k":"v","a":"\u0000"}}"#)
  }

  @Test("leaves out what it does not have")
  func absent() {
    var verdict = Self.full
    verdict.source = nil
    verdict.metadata = []
    verdict.coverage = nil
    verdict.categories = []
    verdict.precision = nil
    verdict.decidedBy = nil
    verdict.policyDigest = nil
    verdict.supersedes = nil
    verdict.judgement = Judgement(
      promptScore: Score(0.25), responseScore: nil, tokens: 3, windows: 1)
    let text = text(verdict, echoesMetadata: true)
    for name in [
      "response_score", "source", "metadata", "null", "coverage", "categories", "precision",
      "decided_by", "policy_digest", "supersedes",
    ] {
      #expect(!text.contains(name))
    }
  }

  @Test(
    "escapes its texts",
    arguments: [
      ("a\"b\\c/d", #"a\"b\\c/d"#), ("\u{7F}", "\u{7F}"),
      ("\n\r\t\u{8}\0\u{1F}", #"\n\r\t\u0008\u0000\u001f"#),
      ("é😀\u{2028}", "é😀\u{2028}"), ("", ""),
    ])
  func escaping(id: String, escaped: String) {
    var verdict = Self.full
    verdict.id = id
    #expect(text(verdict).hasPrefix(#"{"id":"\#(escaped)","flagged""#))
  }

  @Test("comes back as it was written", arguments: PayloadFormat.allCases, 0..<200)
  func roundTrip(format: PayloadFormat, seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let verdict = Self.random(using: &generator)
    let payload = VerdictEncoder(echoesMetadata: true).encode(verdict, as: format)
    var decoder = VerdictDecoder()
    #expect(try decoder.decode(payload, as: format) == verdict)
  }

  @Test(
    "that lacks a field or has a wrong one is not read",
    arguments: [
      ("\"flagged\":true,", ""), ("true", "1"), ("quarantine", "explode"), ("214", "2.5"),
      ("2026-01-31T09", "2026-13-31T09"), ("0.5", "\"high\""), ("\"policy\"", "\"police\""),
      ("1042", "1e99"), ("{\"topic\"", "{\"tropic\""),
    ])
  func bad(find: String, replacement: String) {
    let text = text(Self.full)
    let parts = text.split(separator: find, omittingEmptySubsequences: false)
    let changed = parts.joined(separator: replacement)
    #expect(parts.count > 1)
    #expect(throws: DecodingFailure.self) {
      var decoder = VerdictDecoder()
      _ = try decoder.decode(Array(changed.utf8), as: .json)
    }
  }

  @Test(
    "has its time in RFC 3339",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
      (951_782_399_999, "2000-02-28T23:59:59.999Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ] as [(Int64, String)])
  func time(milliseconds: Int64, expected: String) throws {
    var verdict = Self.full
    verdict.judgedAtMilliseconds = milliseconds
    let payload = VerdictEncoder().encode(verdict, as: .json)
    #expect(text(verdict).hasSuffix(#""judged_at":"\#(expected)"}"#))
    var decoder = VerdictDecoder()
    #expect(try decoder.decode(payload, as: .json).judgedAtMilliseconds == milliseconds)
  }

  private func headers(
    of verdict: Verdict, format: PayloadFormat? = .protobuf, after first: Verdict? = nil
  ) -> [Header] {
    var encoder = VerdictHeaders()
    var headers: [Header] = []
    if let first { encoder.append(first, format: .json, to: &headers) }
    headers = []
    encoder.append(verdict, format: format, to: &headers)
    return headers
  }

  @Test("has the same headers whatever verdict came before")
  func headersFollowTheVerdict() {
    var other = Self.full
    other.model = "guard@01234567"
    other.precision = "int8"
    other.policyDigest = String(repeating: "1e", count: 32)
    other.action = .allow
    other.flagged = false
    var bare = Self.full
    (bare.model, bare.precision, bare.policyDigest, bare.coverage) = ("", nil, nil, nil)
    for verdict in [Self.full, other, bare] {
      for first in [Self.full, other, bare] {
        #expect(headers(of: verdict, after: first) == headers(of: verdict))
      }
      #expect(
        headers(of: verdict, format: nil)
          == headers(of: verdict).filter { $0.name != "content-type" })
    }
  }

  @Test("repeats its essentials in headers")
  func headers() {
    var verdict = Self.full
    // A safe label is no category to route by, however probable.
    verdict.categories.insert(Category(name: "ok", probability: 1, isUnsafe: false), at: 0)
    #expect(
      headers(of: verdict) == [
        Header("content-type", "application/x-protobuf"), Header("sluice-flagged", "true"),
        Header("sluice-score", "0.97"), Header("sluice-action", "quarantine"),
        Header("sluice-model", "guard-tiny@3f9c2a1b"), Header("sluice-coverage", "2/4"),
        Header("sluice-category", "violence"), Header("sluice-precision", "fp32"),
        Header("sluice-decided-by", "category:violence"),
        Header("sluice-policy-digest", String(repeating: "0f", count: 32)),
        Header("sluice-supersedes", "chat.verdicts/1/9"),
      ])
  }

  private static func random(using generator: inout SeededGenerator) -> Verdict {
    func text() -> String {
      let scalars = (0..<Int.random(in: 0...40, using: &generator)).compactMap {
        _ -> Unicode.Scalar? in
        let largest: UInt32 = Bool.random(using: &generator) ? 0x7F : 0x10FFFF
        return Unicode.Scalar(UInt32.random(in: 0...largest, using: &generator))
      }
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      return text
    }
    func score() -> Score? {
      Bool.random(using: &generator) ? Score(Float.random(in: 0...1, using: &generator)) : nil
    }
    func optional<Value>(_ make: @autoclosure () -> Value) -> Value? {
      Bool.random(using: &generator) ? make() : nil
    }
    func count() -> Int { Int.random(in: 0...1_000_000, using: &generator) }
    let reasons = (0..<Int.random(in: 0...3, using: &generator)).map { _ in (text(), count()) }
    let hasSource = Bool.random(using: &generator)
    return Verdict(
      id: text(), flagged: Bool.random(using: &generator),
      action: Action.allCases.randomElement(using: &generator) ?? .allow,
      judgement: Judgement(
        promptScore: score(), responseScore: score(),
        tokens: Int.random(in: 0...1_000_000, using: &generator),
        windows: Int.random(in: 1...64, using: &generator)),
      threshold: Float.random(in: 0...1, using: &generator), model: text(), policy: text(),
      source: hasSource
        ? SourcePosition(
          topic: text(), partition: Int32.random(in: 0...Int32.max, using: &generator),
          offset: Int64.random(in: 0...Int64.max, using: &generator)) : nil,
      judgedAtMilliseconds: Int64.random(in: 0...253_402_300_799_999, using: &generator),
      metadata: (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        MetadataEntry(name: text(), value: text())
      },
      coverage: optional(
        Coverage(
          texts: count(), judged: count(),
          leftOut: Dictionary(reasons, uniquingKeysWith: { first, _ in first }))),
      categories: (0..<Int.random(in: 0...3, using: &generator)).map { _ in
        Category(name: text(), probability: Float.random(in: 0...1, using: &generator))
      },
      precision: optional(text()), decidedBy: optional(text()), policyDigest: optional(text()),
      supersedes: optional(SourcePosition(topic: text(), partition: 1, offset: 2)))
  }
}
