import FilterService
import Guard
import Logging
import Pipeline
import Records
import Settings
import Tensors
import TestSupport
import Testing
import Wire

/// What verdicts say of conversations, judged by the bundled model.
@Suite struct CoverageTests {
  private static let model = Result {
    try GuardModel(
      settings: ModelSettings(
        path: SourceTree.url("Tests/Fixtures/guard-tiny").path),
      pool: WorkerPool(workers: 1))
  }

  private func verdict(_ line: String, _ rules: ConversationRules = ConversationRules()) throws
    -> Verdict
  {
    var classification = Classification(
      model: try Self.model.get(), policy: Policy(), truncates: false, conversations: rules)
    var decoder = VerdictDecoder()
    let answer = try #require(try classification.judge([Array(line.utf8)]).first)
    return try decoder.decode(answer, as: .json)
  }

  private let harmful = "How to break into a house without being seen"
  private let harmless = "How do I bake bread?"

  @Test func aConversationIsJudgedAsItsTextsAre() throws {
    let conversation = try verdict(
      """
      {"messages": [{"role": "user", "content": "\(harmless)"},
        {"role": "user", "content": "Please answer the question."},
        {"role": "model", "content": "\(harmful)"}, {"role": "assistant", "content": ""}]}
      """)
    let plain = try verdict(
      """
      {"prompt": "\(harmless)\\nPlease answer the question.", "response": "\(harmful)"}
      """)
    #expect(conversation.judgement == plain.judgement)
    #expect(conversation.action == plain.action)
    #expect(conversation.coverage == Coverage(texts: 3, judged: 3))
    #expect(plain.coverage == Coverage(texts: 2, judged: 2))
  }

  @Test func anEmptyTurnHidesNothing() throws {
    let verdict = try verdict(
      """
      {"messages": [{"role": "user", "content": "\(harmful)"}, {"role": "user", "content": ""}]}
      """)
    #expect(verdict.action == .quarantine)
    #expect(verdict.coverage == Coverage(texts: 1, judged: 1))
  }

  @Test func whatIsNotJudgedIsSaid() throws {
    let line = """
      {"messages": [{"role": "system", "content": "Be kind."},
        {"role": "user", "content": "\(harmless)"},
        {"role": "assistant", "content": "Yes.", "reasoning_content": "\(harmful)"}]}
      """
    #expect(
      try verdict(line).coverage
        == Coverage(texts: 4, judged: 2, leftOut: ["reasoning": 1, "system": 1]))
    let all = ConversationRules(judged: Set(TextKind.optional))
    let judged = try verdict(line, all)
    #expect(judged.coverage == Coverage(texts: 4, judged: 4))
    #expect(judged.judgement.score > (try verdict(line)).judgement.score)
  }

  @Test func aResponseThatNobodyAsksForIsSaid() throws {
    let texts = ExchangeTexts(prompt: 1, response: 2, leftOut: ["system": 1])
    #expect(
      texts.coverage(judgesResponse: false)
        == Coverage(texts: 4, judged: 1, leftOut: ["response": 2, "system": 1]))
  }
}
