internal import Foundation
package import HTTPClient
package import Settings
internal import StrictJSON

/// A client of one server with OpenAI's interface, such as vLLM or llama.cpp.
///
/// At most so many requests are at the server at a time as the settings allow; the others wait in
/// the order of their coming. A request that failed for a passing reason is tried again after a
/// pause. A server that keeps failing is left alone for a while, and no more than the allowed
/// number of tries is sent in an hour: requests then fail at once.
package final class LanguageModelClient: Sendable {
  /// The model that is asked for.
  package let model: String
  private let address: ServerAddress
  private let core: RequestCore

  /// A client for a model whose name is known.
  ///
  /// - Parameter spending: requests of an earlier process that count for the hour's limit.
  /// - Throws: `LanguageModelError` when address or key cannot be used; asks no server.
  package convenience init(
    _ settings: LanguageModelSettings, spending: [HourlyBudget.Spending] = [],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(LanguageModelError) {
    let transport = CurlTransport(connectionsMax: settings.concurrentRequestsMax)
    try self.init(
      settings, spending: spending, environment: environment, transport: transport, clock: .system)
  }

  /// A client over any transport and clock, for tests.
  package init(
    _ settings: LanguageModelSettings, spending: [HourlyBudget.Spending] = [],
    environment: [String: String] = [:], transport: any HTTPTransport, clock: ClientClock
  ) throws(LanguageModelError) {
    model = settings.model
    address = try ServerAddress(settings, environment: environment)
    core = RequestCore(settings, spending: spending, transport: transport, clock: clock)
  }

  private init(_ other: LanguageModelClient, model: String) {
    self.model = model
    address = other.address
    core = other.core
  }

  /// A client whose model is known: the one in the settings, or the first that the server lists.
  ///
  /// - Parameter spending: requests of an earlier process that count for the hour's limit.
  /// - Throws: `LanguageModelError` also when the server cannot be reached or lists none.
  package static func connect(
    _ settings: LanguageModelSettings, spending: [HourlyBudget.Spending] = [],
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) async throws(LanguageModelError) -> LanguageModelClient {
    let client = try LanguageModelClient(settings, spending: spending, environment: environment)
    guard client.model.isEmpty else { return client }
    guard let first = try await client.modelNames().first else {
      throw LanguageModelError(
        .malformedAnswer("no model is listed"), url: client.address.url("/v1/models").absoluteString
      )
    }
    return LanguageModelClient(client, model: first)
  }

  /// The server's address, without user, password and query.
  package var shownAddress: String { address.shown }

  /// What was sent, and what may be.
  package var statement: RequestAccount.Statement { core.statement }

  /// Goes on with a conversation. Where the last turn is the assistant's, the model continues it,
  /// and the result is only what it adds.
  ///
  /// - Parameters:
  ///   - candidates: how many of the most probable tokens are told for each place; nil for none.
  ///   - bias: what is added to the logits of tokens, by number.
  package func chat(
    _ turns: [ChatTurn], sampling: Sampling, candidates: Int? = nil, bias: [Int: Double] = [:]
  ) async throws(LanguageModelError) -> Completion {
    var body = RequestBody(model: model, sampling: sampling, bias: bias)
    body.messages = turns
    let prefix = turns.last.flatMap { $0.role == .assistant ? $0.content : nil }
    if prefix != nil {
      body.continuesLastTurn = true
      body.addsTurn = false
    }
    if let candidates {
      body.logProbabilities = .wanted
      body.candidates = candidates
      body.writesTokenIdentifiers = true
    }
    return try await generate("/v1/chat/completions", body, prefix: prefix)
  }

  /// Goes on with a text as it is, without a chat template.
  package func complete(
    _ prompt: String, sampling: Sampling, candidates: Int? = nil, bias: [Int: Double] = [:]
  ) async throws(LanguageModelError) -> Completion {
    var body = RequestBody(model: model, sampling: sampling, bias: bias)
    body.prompt = prompt
    if let candidates {
      body.logProbabilities = .count(candidates)
      body.writesTokenIdentifiers = true
    }
    return try await generate("/v1/completions", body, prefix: nil)
  }

  /// The model's numbers for the tokens of a text, with none added around them. This counts for the
  /// hour's limit and is not held back by it, as a start must not be.
  package func tokenize(_ text: String) async throws(LanguageModelError) -> [Int] {
    let answer: (body: TokenizeAnswer, tries: Int) = try await post(
      "/tokenize", TokenizeBody(model: model, content: text, prompt: text), isExempt: true)
    return answer.body.tokens
  }

  /// The models that the server lists; for the hour's limit as `tokenize`.
  package func modelNames() async throws(LanguageModelError) -> [String] {
    let answer: (body: ModelsAnswer, tries: Int) = try await exchange(
      "/v1/models", body: nil, isExempt: true)
    return answer.body.data.map(\.id)
  }

  // MARK: One request

  private func generate(
    _ path: String, _ body: RequestBody, prefix: String?
  ) async throws(LanguageModelError) -> Completion {
    let url = address.url(path).absoluteString
    let (answer, tries): (AnswerBody, Int) = try await post(path, body, isExempt: false) {
      (answer) throws(LanguageModelError) in
      try answer.check(url: url)
    }
    return try answer.completion(without: prefix, requests: tries, url: url)
  }

  /// Some servers repeat a prefilled beginning, others do not.
  package static func strip(_ prefix: String?, from text: String) -> String {
    guard let prefix, !prefix.isEmpty else { return text }
    // Compared in bytes: what follows may join the prefix's last character.
    guard text.utf8.starts(with: prefix.utf8) else { return text }
    return String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }

  private func post<Answer: Decodable>(
    _ path: String, _ body: some Encodable, isExempt: Bool,
    check: (Answer) throws(LanguageModelError) -> Void = { _ in }
  ) async throws(LanguageModelError) -> (body: Answer, tries: Int) {
    let data: Data
    do throws(JSONError) {
      data = try JSONCoder.encode(body)
    } catch {
      throw LanguageModelError(
        .unusableSettings("the request: \(error)"), url: address.url(path).absoluteString)
    }
    return try await exchange(path, body: data, isExempt: isExempt, check: check)
  }

  private func exchange<Answer: Decodable>(
    _ path: String, body: Data?, isExempt: Bool,
    check: (Answer) throws(LanguageModelError) -> Void = { _ in }
  ) async throws(LanguageModelError) -> (body: Answer, tries: Int) {
    var headers = ["Accept": "application/json"]
    if body != nil { headers["Content-Type"] = "application/json" }
    if let key = address.apiKey { headers["Authorization"] = "Bearer \(key)" }
    let (answer, tries) = try await core.send(
      url: address.url(path), headers: headers, body: body, isExempt: isExempt
    ) { (data) throws(LanguageModelError) -> Answer in
      let answer: Answer
      do throws(JSONError) {
        answer = try AnswerBody.decode(data)
      } catch {
        throw LanguageModelError(
          .malformedAnswer("not the JSON of this endpoint"), url: address.url(path).absoluteString)
      }
      try check(answer)
      return answer
    }
    return (answer, tries)
  }
}
