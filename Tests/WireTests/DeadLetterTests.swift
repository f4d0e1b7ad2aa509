import Records
import Testing
import Wire

@Suite("A dead letter")
struct DeadLetterTests {
  private let letter = DeadLetter(
    reason: .poison, detail: "the model failed",
    source: SourcePosition(topic: "chat.exchanges", partition: 3, offset: 1042),
    model: "guard@01234567", attempts: 2)

  @Test("tells in headers why and where")
  func headers() {
    #expect(
      letter.headers == [
        Header("sluice-error-reason", "poison"), Header("sluice-error-detail", "the model failed"),
        Header("sluice-error-topic", "chat.exchanges"), Header("sluice-error-partition", "3"),
        Header("sluice-error-offset", "1042"), Header("sluice-error-attempts", "2"),
        Header("sluice-error-model", "guard@01234567"),
      ])
    var early = letter
    early.model = nil
    #expect(early.headers.text(of: "sluice-error-model") == nil)
  }

  @Test(
    "keeps the payload in base 64",
    arguments: [
      ([], ""), ([0], "AA=="), ([255, 254], "//4="), ([0, 16, 131], "ABCD"),
      (Array("hello".utf8), "aGVsbG8="),
    ] as [([UInt8], String)])
  func json(payload: [UInt8], digits: String) {
    let text = String(
      decoding: DeadLetterEncoder.encode(letter, payload: payload, as: .json), as: UTF8.self)
    #expect(
      text == #"{"reason":"poison","detail":"the model failed","#
        + #""source":{"topic":"chat.exchanges","partition":3,"offset":1042},"attempts":2,"#
        + #""model":"guard@01234567","payload":"\#(digits)"}"#)
  }

  @Test("of a tombstone has no payload")
  func tombstone() {
    let text = String(
      decoding: DeadLetterEncoder.encode(letter, payload: nil, as: .json), as: UTF8.self)
    #expect(!text.contains("payload"))
  }

  @Test("in protobuf follows the schema")
  func protobuf() {
    let expected: [UInt8] =
      [0x08, 4] + field(2, "the model failed")
      + field(3, field(1, "chat.exchanges") + [0x10, 3, 0x18, 0x92, 0x08]) + [0x20, 2]
      + field(5, "guard@01234567") + field(6, [0, 255])
    #expect(DeadLetterEncoder.encode(letter, payload: [0, 255], as: .protobuf) == expected)
  }
}
