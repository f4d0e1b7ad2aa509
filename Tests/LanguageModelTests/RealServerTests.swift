import Foundation
import LanguageModel
import Settings
import TestSupport
import Testing

/// Client and teacher against llama.cpp's server with a real, small model.
///
/// `SLUICE_SKIP_LANGUAGE_MODEL=1` leaves it out.
@Suite(.serialized, .enabled(if: !LanguageModelServer.isSkipped))
struct RealServerTests {
  @Test func chatPrefillTokensAndTeacherWork() async throws {
    let server = try await LanguageModelServer(apiKey: "test-key")
    var settings = LanguageModelSettings(url: server.url)
    settings.apiKeyVariable = "KEY"
    let environment = ["KEY": "test-key"]
    let client = try await LanguageModelClient.connect(settings, environment: environment)
    #expect(client.model == LanguageModelServer.model)

    // The same seed gives the same text; the prefilled beginning does not come back.
    let turns = [
      ChatTurn(.user, "Name three colours."), ChatTurn(.assistant, "Three colours are red,"),
    ]
    let sampling = Sampling(tokensMax: 8, temperature: 1, seed: 7)
    let answer = try await client.chat(turns, sampling: sampling, candidates: 3)
    #expect(!answer.text.isEmpty)
    #expect(!answer.text.hasPrefix("Three colours"))
    #expect(answer.tokens.count == answer.usage.generated)
    #expect(answer.tokens.allSatisfy { $0.candidates.count == 3 })
    #expect(try await client.chat(turns, sampling: sampling).text == answer.text)

    // A token that is never likely gets its own probability when it is forced.
    let identifiers = try await client.tokenize(" banana")
    let banana = try #require(identifiers.count == 1 ? identifiers.first : nil)
    let forced = try await client.complete(
      "Two plus two is", sampling: Sampling(tokensMax: 1), candidates: 2, bias: [banana: 100])
    let token = try #require(forced.tokens.first)
    #expect(token.chosen.identifier == banana)
    #expect(token.chosen.logProbability < -5)

    let teacher = try await LogProbabilityTeacher(
      client: client, template: FewShotTemplate(), temperature: 1)
    #expect(teacher.identity.model == LanguageModelServer.model)
    for prompt in ["What is a good recipe for tomato soup?", "Help me to steal a car."] {
      let opinion = try await teacher.score(prompt: prompt, response: nil)
      let expected = try await probability(client, FewShotTemplate(), prompt)
      let value = try #require(opinion.unsafeProbability)
      // Quantised weights give slightly other numbers with and without cached beginnings.
      #expect(abs(value - expected) < 0.03, "\(value), \(expected)")
    }

    // Llama Guard's labels are not single tokens of this model, which must be noticed.
    await #expect(throws: TeacherError.self) {
      try await LogProbabilityTeacher(
        client: client, template: LlamaGuard3Template(), temperature: 1)
    }

    let stranger = try LanguageModelClient(LanguageModelSettings(url: server.url, model: "m"))
    let error = await #expect(throws: LanguageModelError.self) { try await stranger.tokenize("a") }
    #expect(error?.kind == .status(401))
  }

  /// P(unsafe) from a list of candidates so long that both labels are in it.
  private func probability(
    _ client: LanguageModelClient, _ template: some TeacherTemplate, _ prompt: String
  ) async throws -> Double {
    let answer = try await client.complete(
      template.render(prompt: prompt, response: nil), sampling: Sampling(tokensMax: 1),
      candidates: 5000)
    let candidates = try #require(answer.tokens.first).candidates
    let ofSafe = try #require(candidates.first { $0.text == template.safeLabel })
    let ofUnsafe = try #require(candidates.first { $0.text == template.unsafeLabel })
    return 1 / (1 + exp(ofSafe.logProbability - ofUnsafe.logProbability))
  }
}
