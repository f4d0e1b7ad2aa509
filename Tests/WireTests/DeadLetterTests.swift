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
}
