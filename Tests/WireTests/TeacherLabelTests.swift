import Records
import TestSupport
import Testing
import Wire

@Suite("A teacher label")
struct TeacherLabelTests {
  private static let full = TeacherLabel(
    id: "c-1", contentDigest: Array(0..<32), prompt: "p\0", response: "r", tenant: "acme",
    teacherScore: Score(0.75), isUnsafe: true, teacher: "llama-guard",
    templateDigest: Array(repeating: 255, count: 32), inclusionProbability: 0.0125,
    stratum: "random", guardModel: "guard-tiny@3f9c2a1b", guardScore: Score(0.41),
    source: SourcePosition(topic: "chat.exchanges", partition: 3, offset: 1042),
    labelledAtMilliseconds: 1_769_850_000_123)

  @Test("comes back as it was written", arguments: PayloadFormat.allCases, 0..<200)
  func roundTrip(format: PayloadFormat, seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    let label = Self.random(using: &generator)
    var decoder = TeacherLabelDecoder()
    let payload = TeacherLabelEncoder.encode(label, as: format)
    #expect(try decoder.decode(payload, as: format) == label)
    let header = Header("content-type", format.contentType)
    #expect(try decoder.decode(payload, headers: [header]) == label)
  }

  @Test("in JSON is documented to the letter")
  func contract() {
    let payload = TeacherLabelEncoder.encode(Self.full, as: .json)
    let hash = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    let template = String(repeating: "f", count: 64)
    #expect(
      String(decoding: payload, as: UTF8.self)
        == #"{"id":"c-1","content_hash":"\#(hash)","p_unsafe":0.75,"label":true,"#
        + #""inclusion_probability":0.0125,"stratum":"random","teacher":"llama-guard","#
        + #""template_hash":"\#(template)","labelled_at":"2026-01-31T09:00:00.123Z","#
        + #""source":{"topic":"chat.exchanges","partition":3,"offset":1042},"tenant":"acme","#
        + #""model":"guard-tiny@3f9c2a1b","score":0.41,"prompt":"p\u0000","response":"r"}"#)
  }

  @Test(
    "that lacks a field or has a wrong one is not read",
    arguments: [
      ("\"label\":true,", ""), ("0.0125", "0"), ("0.0125", "1.5"), ("0.75", "-0.1"),
      ("ffff\"", "fff\""), ("ffff\"", "ffzz\""), ("\"prompt\"", "\"prompd\""),
      ("2026-01-31T09", "2026-13-31T09"), ("\"teacher\"", "\"taecher\""),
    ])
  func bad(find: String, replacement: String) {
    let payload = TeacherLabelEncoder.encode(Self.full, as: .json)
    let parts = String(decoding: payload, as: UTF8.self)
      .split(separator: find, omittingEmptySubsequences: false)
    #expect(parts.count > 1)
    #expect(throws: DecodingFailure.self) {
      var decoder = TeacherLabelDecoder()
      _ = try decoder.decode(Array(parts.joined(separator: replacement).utf8), as: .json)
    }
  }

  @Test("cut short or changed never stops the program", arguments: 0..<300)
  func fuzz(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    for format in PayloadFormat.allCases {
      var payload = TeacherLabelEncoder.encode(Self.random(using: &generator), as: format)
      if Bool.random(using: &generator) {
        payload.removeLast(Int.random(in: 0...payload.count, using: &generator))
      }
      if let index = payload.indices.randomElement(using: &generator) {
        payload[index] = .random(in: 0...255, using: &generator)
      }
      var decoder = TeacherLabelDecoder()
      if let label = try? decoder.decode(payload, as: format) {
        #expect(label.contentDigest.count == 32)
        #expect(label.inclusionProbability > 0 && label.inclusionProbability <= 1)
      }
    }
  }

  private static func random(using generator: inout SeededGenerator) -> TeacherLabel {
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
    func digest() -> [UInt8] { (0..<32).map { _ in .random(in: 0...255, using: &generator) } }
    func maybe<Value>(_ value: Value) -> Value? {
      Bool.random(using: &generator) ? value : nil
    }
    let source = SourcePosition(
      topic: text(), partition: Int32.random(in: 0...Int32.max, using: &generator),
      offset: Int64.random(in: 0...Int64.max, using: &generator))
    return TeacherLabel(
      id: text(), contentDigest: digest(), prompt: text(), response: maybe(text()),
      tenant: maybe(text()), teacherScore: Score(Float.random(in: 0...1, using: &generator)),
      isUnsafe: Bool.random(using: &generator), teacher: text(), templateDigest: digest(),
      inclusionProbability: Double.random(in: 1e-9...1, using: &generator), stratum: text(),
      guardModel: maybe(text()),
      guardScore: maybe(Score(Float.random(in: 0...1, using: &generator))),
      source: maybe(source),
      labelledAtMilliseconds: Int64.random(in: 0...253_402_300_799_999, using: &generator))
  }
}
