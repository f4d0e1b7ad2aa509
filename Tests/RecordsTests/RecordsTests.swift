import Records
import Testing

@Suite struct RecordsTests {
  @Test func theLargerScoreCounts() {
    func score(_ prompt: Float?, _ response: Float?) -> Score {
      Judgement(
        promptScore: prompt.map { Score($0) }, responseScore: response.map { Score($0) },
        tokens: 1, windows: 1
      ).score
    }
    #expect(score(0.2, 0.7) == Score(0.7))
    #expect(score(0.9, 0.7) == Score(0.9))
    #expect(score(nil, 0.7) == Score(0.7))
    #expect(score(0.3, nil) == Score(0.3))
  }

  @Test func theLastHeaderOfANameCounts() {
    let headers = [
      Header("a", "1"), Header("a", "2"), Header(name: "b", value: nil),
      Header(name: "c", value: [0xFF]),
    ]
    #expect(headers.text(of: "a") == "2")
    #expect(headers.text(of: "b") == nil)
    #expect(headers.text(of: "c") == nil)
    #expect(headers.text(of: "d") == nil)
  }

  @Test func positionsReadAsPaths() {
    #expect(SourcePosition(topic: "t", partition: 3, offset: 9).description == "t/3/9")
  }
}
