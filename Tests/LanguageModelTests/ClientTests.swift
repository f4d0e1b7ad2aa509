import Foundation
import HTTPClient
import Settings
import TestSupport
import Testing

import LanguageModel

/// The client against a server in this process that answers as each kind of server does.
@Suite struct ClientTests {
  private func client(
    _ server: ScriptedServer, _ change: (inout LanguageModelSettings) -> Void = { _ in }
  ) throws -> LanguageModelClient {
    var settings = LanguageModelSettings(url: server.url + "/v1", model: "m")
    settings.attemptsMax = 1
    change(&settings)
    return try LanguageModelClient(settings)
  }

  @Test func everyParameterOfSamplingIsSent() async throws {
    let server = try await ScriptedServer { _, _ in OpenAIAnswers.chat("hello") }
    let sampling = Sampling(
      tokensMax: 7, temperature: 0.5, topP: 0.9, topK: 3, minP: 0.1, seed: .max, stops: ["\n"])
    let answer = try await client(server).chat([ChatTurn(.user, "hi")], sampling: sampling)
    #expect(answer.text == "hello")
    #expect(answer.usage == TokenUsage(prompt: 10, generated: 5))
    #expect(!answer.isCut)
    let request = try #require(server.requests.first)
    #expect(request.path == "/v1/chat/completions")
    let body = request.json
    #expect(body["max_tokens"] as? Int == 7)
    #expect(body["temperature"] as? Double == 0.5)
    #expect(body["top_p"] as? Double == 0.9)
    #expect(body["top_k"] as? Int == 3)
    #expect(body["min_p"] as? Double == 0.1)
    #expect(body["seed"] as? Int == 0x7fff_ffff)
    #expect(body["stop"] as? [String] == ["\n"])
    #expect(body["model"] as? String == "m")
    #expect(body["continue_final_message"] == nil)
  }

  /// Sums of such counts would be no numbers, and end the process.
  @Test(arguments: [(Int.max, 1 << 32), (-7, 0), (10, 10)])
  func countsThatNoRequestHasAreNotBelieved(said: Int, taken: Int) async throws {
    let server = try await ScriptedServer { _, _ in
      OpenAIAnswers.json([
        "choices": [["message": ["content": "hello"], "finish_reason": "stop"]],
        "usage": ["prompt_tokens": said, "completion_tokens": said],
      ])
    }
    let answer = try await client(server).chat(
      [ChatTurn(.user, "hi")], sampling: Sampling(tokensMax: 4))
    #expect(answer.usage == TokenUsage(prompt: taken, generated: taken))
  }

  @Test(arguments: [true, false])
  func aPrefilledBeginningIsContinuedAndTakenOff(repeats: Bool) async throws {
    let server = try await ScriptedServer { _, _ in
      OpenAIAnswers.chat(repeats ? "I think: yes" : " yes")
    }
    let answer = try await client(server).chat(
      [ChatTurn(.user, "q"), ChatTurn(.assistant, "I think:")], sampling: Sampling(tokensMax: 4))
    #expect(answer.text == " yes")
    let body = try #require(server.requests.first).json
    #expect(body["continue_final_message"] as? Bool == true)
    #expect(body["add_generation_prompt"] as? Bool == false)
  }

  @Test(arguments: [
    (nil, "abc", "abc"), ("", "abc", "abc"), ("ab", "abc", "c"), ("abc", "abc", ""),
    ("x", "abc", "abc"), ("e", "e\u{301}!", "\u{301}!"),
  ])
  func prefixesAreComparedInBytes(prefix: String?, text: String, rest: String) {
    #expect(Array(LanguageModelClient.strip(prefix, from: text).utf8) == Array(rest.utf8))
  }

  @Test func bothShapesOfLogProbabilitiesAreRead() async throws {
    let server = try await ScriptedServer { _, number in
      number == 0
        ? OpenAIAnswers.llamaCompletion(
          " b", identifier: 8, logProbability: -1,
          candidates: [(7, " a", -2), (8, " b", -1)])
        : OpenAIAnswers.vllmCompletion(
          " b", token: "token_id:8", logProbability: -1,
          candidates: ["token_id:7": -2, "token_id:8": -1])
    }
    let client = try client(server)
    for hasTexts in [true, false] {
      let answer = try await client.complete("p", sampling: Sampling(tokensMax: 1), candidates: 2)
      let token = try #require(answer.tokens.first)
      #expect(token.chosen.identifier == 8)
      #expect(token.candidates.map(\.identifier) == [8, 7])
      #expect(token.candidates.map(\.logProbability) == [-1, -2])
      #expect((token.chosen.text == " b") == hasTexts)
      #expect(answer.isCut)
    }
    let bodies = server.requests.map(\.json)
    #expect(bodies.allSatisfy { $0["logprobs"] as? Int == 2 })
  }

  @Test func plainTextsNameTokensWhereNumbersAreMissing() async throws {
    let server = try await ScriptedServer { _, _ in
      OpenAIAnswers.vllmCompletion("a", token: "a", logProbability: -1, candidates: ["a": -1])
    }
    let answer = try await client(server).complete(
      "p", sampling: Sampling(tokensMax: 1), candidates: 1, bias: [5: 100])
    let chosen = try #require(answer.tokens.first?.chosen)
    #expect(chosen.identifier == nil)
    #expect(chosen.isToken(99, text: "a"))
    #expect(!chosen.isToken(99, text: "b"))
    #expect(server.requests[0].json["logit_bias"] as? [String: Double] == ["5": 100])
  }

  @Test(arguments: [
    "", "{", "[]", "{\"choices\":[]}", "{\"choices\":[{\"text\":5}]}", "<html>wait</html>", "{}",
    #"{"error": "out of memory"}"#, #"{"choices": [], "error": {"message": "x"}}"#,
    "data: {\"choices\": []}\n\ndata: [DONE]\n\n",
  ])
  func unusableAnswersAreErrorsThatShowNoText(body: String) async throws {
    let server = try await ScriptedServer { _, _ in ScriptedServer.Answer(body: body) }
    let client = try client(server)
    let error = await #expect(throws: LanguageModelError.self) {
      try await client.complete("p", sampling: Sampling(tokensMax: 1))
    }
    guard case .malformedAnswer = error?.kind else {
      Issue.record("\(String(describing: error))")
      return
    }
    // Not the request's fault: it is asked again when the server is itself again.
    #expect(error?.isRetriable == true && error?.isPassing == true)
    #expect(error?.isAboutRequest == false)
    #expect(error?.url == server.url + "/v1/completions")
  }

  /// Gateways tell their upstream's errors with a good status.
  @Test(arguments: [
    (#"{"error": {"code": 429, "message": "x"}}"#, 429),
    (#"{"choices": [], "error": {"code": 502}}"#, 502), (#"{"error": {"code": "401"}}"#, 401),
    (#"{"error": {"status": 400}}"#, 400),
    (#"{"choices": [{"text": "a", "error": {"code": 502}}]}"#, 502),
    (#"{"object": "error", "code": 404, "message": "x"}"#, 404),
  ])
  func anErrorWithAGoodStatusIsItsOwn(body: String, status: Int) async throws {
    let server = try await ScriptedServer { _, _ in ScriptedServer.Answer(body: body) }
    let client = try client(server)
    let error = await #expect(throws: LanguageModelError.self) {
      try await client.complete("p", sampling: Sampling(tokensMax: 1))
    }
    #expect(error?.kind == .status(status))
  }

  @Test(arguments: [
    (#"{"content": null, "refusal": "I will not."}"#, "I will not."),
    (#"{"content": "<think>so\nthen</think>\n\nYes."}"#, "Yes."),
    (#"{"content": " <thinking>so</thinking> <think>x</think>Yes. <think>"}"#, "Yes. <think>"),
    (#"{"content": "so it is</think>\nYes."}"#, "Yes."),
    (
      #"{"content": "<|channel|>analysis<|message|>so<|end|><|channel|>final<|message|>Yes."}"#,
      "Yes."
    ),
    (#"{"content": [{"type": "text", "text": "Ye"}, {"type": "text", "text": "s."}]}"#, "Yes."),
    (#"{"content": "Yes.", "reasoning_content": "so", "refusal": null}"#, "Yes."),
    (#"{"content": "", "refusal": "I will not."}"#, "I will not."),
    (#"{"content": [{"type": "refusal", "refusal": "I will not."}]}"#, "I will not."),
    (
      #"{"content": [{"type": "thinking", "thinking": [{"text": "so"}]}, {"text": "Yes."}]}"#,
      "Yes."
    ),
    (
      #"{"content": [{"type": "reasoning", "text": "so"}, {"type": "text", "text": "Yes."}]}"#,
      "Yes."
    ),
    (#"{"content": "[THINK]so[/THINK]Yes."}"#, "Yes."), (#"{"content": "so[/THINK]Yes."}"#, "Yes."),
    (#"{"content": "<|channel|>final<|message|>Yes.<|return|>"}"#, "Yes."),
    (#"{"content": "analysisI should.assistantfinalYes."}"#, "Yes."),
    (#"{"content": "analysis of it: Yes."}"#, "analysis of it: Yes."),
  ])
  func messagesAreReadAsWhatTheyMean(message: String, text: String) async throws {
    let server = try await ScriptedServer { _, _ in
      ScriptedServer.Answer(body: #"{"error": null, "choices": [{"message": \#(message)}]}"#)
    }
    let answer = try await client(server).chat(
      [ChatTurn(.user, "p")], sampling: Sampling(tokensMax: 1))
    #expect(answer.text == text)
    #expect(answer.isRefusal == message.contains("I will not."))
  }

  @Test(arguments: [
    #"{"content": "<think>so"}"#, #"{"content": "<think>so</think>"}"#,
    #"{"content": null, "reasoning_content": "so"}"#, "{}",
    #"{"content": "<|channel|>analysis<|message|>so"}"#,
  ])
  func anAnswerOfThoughtsIsNone(message: String) async throws {
    let server = try await ScriptedServer { _, _ in
      ScriptedServer.Answer(body: #"{"choices": [{"message": \#(message)}]}"#)
    }
    let client = try client(server)
    let error = await #expect(throws: LanguageModelError.self) {
      try await client.chat([ChatTurn(.user, "p")], sampling: Sampling(tokensMax: 1))
    }
    #expect(error?.isAboutRequest == true && error?.isRetriable == false)
  }

  /// The surest opinions: Python writes the logarithm of 0 as no JSON, llama.cpp as null.
  @Test(arguments: ["-Infinity", "null", "-3.4028234663852886e+38", "-9999.0"])
  func theLogarithmOfNothingIsRead(zero: String) async throws {
    let bodies = [
      #"{"tokens": ["unsafe"], "token_logprobs": [0.0], "top_logprobs": [{"unsafe": 0.0, "safe": \#(zero)}]}"#,
      #"{"content": [{"token": "unsafe", "logprob": 0.0, "top_logprobs": [{"token": "unsafe", "logprob": 0.0}, {"token": "safe", "logprob": \#(zero)}]}]}"#,
    ]
    for body in bodies {
      let server = try await ScriptedServer { _, _ in
        ScriptedServer.Answer(
          body: #"{"choices": [{"text": "a \"-Infinity NaN\\", "logprobs": \#(body)}]}"#
            .replacing(#"NaN\\"#, with: #"NaN\""#))
      }
      let answer = try await client(server).complete(
        "p", sampling: Sampling(tokensMax: 1), candidates: 2)
      #expect(answer.text == #"a "-Infinity NaN""#)
      let safe = try #require(answer.tokens.first?.candidates.first { $0.text == "safe" })
      #expect(safe.logProbability < -9_000)
    }
  }

  @Test func errorsNameTheStatusAndNeverTheBodyOrTheKey() async throws {
    let server = try await ScriptedServer { _, _ in
      ScriptedServer.Answer(status: 400, body: "the secret text")
    }
    var settings = LanguageModelSettings(
      url: server.url.replacing("http://", with: "http://user:password@") + "/v1?token=sesame")
    settings.apiKeyVariable = "KEY"
    let client = try LanguageModelClient(settings, environment: ["KEY": "opensesame\n"])
    let error = await #expect(throws: LanguageModelError.self) { try await client.modelNames() }
    let text = try #require(error).description
    #expect(text == "\(server.url)/v1/models: the server answered with status 400")
    #expect(server.requests[0].headers["authorization"] == "Bearer opensesame")
  }

  @Test func aRefusedConnectionIsRetryable() async throws {
    var settings = LanguageModelSettings(url: "http://127.0.0.1:\(freeLoopbackPort())")
    settings.attemptsMax = 1
    let client = try LanguageModelClient(settings)
    let error = await #expect(throws: LanguageModelError.self) { try await client.modelNames() }
    guard case .connection = error?.kind else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(error?.isRetriable == true)
  }

  @Test func aServerThatDoesNotAnswerTimesOut() async throws {
    let server = try await ScriptedServer { _, _ in
      await untilCancelled()
      return ScriptedServer.Answer()
    }
    let client = try client(server) { $0.timeoutSeconds = 1 }
    let error = await #expect(throws: LanguageModelError.self) { try await client.modelNames() }
    #expect(error?.kind == .timedOut)
  }

  @Test func aCancelledTaskEndsItsRequest() async throws {
    let (arrivals, arrival) = AsyncStream.makeStream(of: Void.self)
    let server = try await ScriptedServer { _, _ in
      arrival.yield()
      await untilCancelled()
      return ScriptedServer.Answer()
    }
    let client = try client(server)
    let request = Task { try await client.modelNames() }
    for await _ in arrivals { break }
    request.cancel()
    let error = await #expect(throws: LanguageModelError.self) { try await request.value }
    #expect(error?.kind == .cancelled)
  }

  @Test func redirectsAreNotFollowed() async throws {
    let other = try await ScriptedServer { _, _ in OpenAIAnswers.json(["data": [["id": "x"]]]) }
    let server = try await ScriptedServer { _, _ in
      ScriptedServer.Answer(status: 302, headers: ["Location": other.url + "/v1/models"])
    }
    let client = try client(server)
    let error = await #expect(throws: LanguageModelError.self) { try await client.modelNames() }
    #expect(error?.kind == .status(302))
    #expect(other.requests.isEmpty)
  }

  @Test func answersBeyondTheLimitAreNotKept() async throws {
    let server = try await ScriptedServer { _, _ in
      ScriptedServer.Answer(body: String(repeating: "x", count: 1 << 20))
    }
    let transport = CurlTransport(connectionsMax: 1, answerBytesMax: 1000)
    let client = try LanguageModelClient(
      LanguageModelSettings(url: server.url), transport: transport, clock: .system)
    let error = await #expect(throws: LanguageModelError.self) { try await client.modelNames() }
    #expect(error?.kind == .noAnswer("it is too large"))
  }

  @Test func theFirstListedModelIsTakenWhereNoneIsNamed() async throws {
    let server = try await ScriptedServer { _, _ in
      OpenAIAnswers.json(["data": [["id": "first"], ["id": "second"]]])
    }
    let client = try await LanguageModelClient.connect(LanguageModelSettings(url: server.url))
    #expect(client.model == "first")
  }

  @Test(arguments: ["", "ftp://host", "http://", "host:80"])
  func addressesThatAreNoneAreRefused(url: String) {
    #expect(throws: LanguageModelError.self) {
      try LanguageModelClient(LanguageModelSettings(url: url))
    }
  }

  @Test func keysComeFromFilesAndMustBeThere() throws {
    let directory = try TemporaryDirectory()
    try Data("k-1\n".utf8).write(to: URL(filePath: directory.path + "/key"))
    var settings = LanguageModelSettings(url: "http://h")
    settings.apiKeyFile = "$CREDENTIALS_DIRECTORY/key"
    let environment = ["CREDENTIALS_DIRECTORY": directory.path]
    #expect(try ServerAddress(settings, environment: environment).apiKey == "k-1")
    #expect(throws: LanguageModelError.self) { try ServerAddress(settings, environment: [:]) }
    settings.apiKeyFile = directory.path + "/none"
    #expect(throws: LanguageModelError.self) { try ServerAddress(settings, environment: [:]) }
    settings.apiKeyFile = nil
    settings.apiKeyVariable = "KEY"
    #expect(throws: LanguageModelError.self) { try ServerAddress(settings, environment: [:]) }
    #expect(throws: LanguageModelError.self) {
      try ServerAddress(settings, environment: ["KEY": "a\r\nX: b"])
    }
  }
}
