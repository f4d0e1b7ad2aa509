package import Foundation
package import StrictJSON

/// What `/v1/chat/completions` and `/v1/completions` answer.
///
/// Gateways answer 200 with an error in the place of choices, or beside empty ones.
package struct AnswerBody: Decodable {
  struct Choice: Decodable {
    struct Message: Decodable {
      let content: MessageContent?
      /// What OpenAI's models say in place of the content when they will not.
      let refusal: String?

      /// The answer and whether it is a refusal said to be one; nil where there is neither.
      var answer: (text: String, isRefusal: Bool)? {
        let said = content.map { Thoughts.without($0.text) }
        if let said, !said.isEmpty { return (said, false) }
        if let refusal = content?.refusal ?? refusal, !refusal.isEmpty { return (refusal, true) }
        return said.map { ($0, false) }
      }
    }

    let text: String?
    let message: Message?
    let finish_reason: String?
    let logprobs: LogProbabilityBody?
    /// What some gateways say of an answer that broke off.
    let error: JSON?
  }

  struct Usage: Decodable {
    let prompt_tokens: Int?
    let completion_tokens: Int?
  }

  let choices: [Choice]?
  let usage: Usage?
  let error: JSON?
  /// `error` where the whole answer is one, as vLLM wrote them.
  let object: String?
  let code: JSON?

  /// What is said of an error; nil for none.
  private var failure: JSON? {
    let first = choices?.first
    for said in [error, first?.error] {
      switch said {
      case nil, .null?, .flag(false)?, .text("")?, .object([:])?, .list([])?: continue
      case let said?: return said
      }
    }
    if object == "error" { return .members(["code": code]) }
    return first?.finish_reason == "error" ? .flag(true) : nil
  }

  /// The status that an error in the answer stands for; nil without a number.
  var errorStatus: Int? {
    switch failure?["code"] ?? failure?["status"] {
    case .integer(let number)?: number
    case .text(let text)?: Int(text)
    default: nil
    }
  }

  var hasError: Bool { failure != nil }

  /// Decodes what a server sent, with numbers that only Python's JSON has.
  package static func decode<Answer: Decodable>(_ data: Data) throws(JSONError) -> Answer {
    try JSONCoder.decode(from: NonFiniteNumbers.replaced(in: data))
  }

  /// Throws where it is an error, or has nothing at all.
  package func check(url: String) throws(LanguageModelError) {
    if let status = errorStatus, (400...599).contains(status) {
      throw LanguageModelError(.status(status), url: url)
    }
    if hasError {
      throw LanguageModelError(.malformedAnswer("it is an error in a good status"), url: url)
    }
    if choices?.isEmpty ?? true {
      throw LanguageModelError(.malformedAnswer("it has no choice"), url: url)
    }
  }

  /// What the model wrote behind `prefix`, after so many requests.
  package func completion(
    without prefix: String?, requests: Int, url: String
  ) throws(LanguageModelError) -> Completion {
    guard let choice = choices?.first,
      let (text, isRefusal) = choice.text.map({ ($0, false) }) ?? choice.message?.answer
    else { throw LanguageModelError(.noAnswer("it has no text"), url: url) }
    if text.isEmpty, choice.message?.content?.text.isEmpty == false {
      throw LanguageModelError(.noAnswer("it has thoughts and no text"), url: url)
    }
    return Completion(
      text: LanguageModelClient.strip(prefix, from: text), isCut: choice.finish_reason == "length",
      isRefusal: isRefusal, tokens: choice.logprobs?.generatedTokens ?? [],
      usage: TokenUsage(
        prompt: usage?.prompt_tokens ?? 0, generated: usage?.completion_tokens ?? 0),
      requests: requests)
  }
}

/// A message's content: a text, or a list of parts of which some are texts.
struct MessageContent: Decodable {
  private struct Part: Decodable {
    let type: String?
    let text: String?
    let refusal: String?

    var isThought: Bool { ["thinking", "reasoning", "reasoning_text"].contains(type) }
  }

  let text: String
  /// What parts that are refusals say.
  let refusal: String?

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let text = try? container.decode(String.self) {
      self.text = text
      refusal = nil
    } else {
      let parts = try container.decode([Part].self)
      text = parts.filter { !$0.isThought }.compactMap(\.text).joined()
      let refusals = parts.compactMap(\.refusal)
      refusal = refusals.isEmpty ? nil : refusals.joined(separator: "\n")
    }
  }
}

/// Log-probabilities in the shape of the chat endpoint, which llama.cpp uses on both, or in the
/// older shape that vLLM uses for completions.
struct LogProbabilityBody: Decodable {
  struct Entry: Decodable {
    let id: Int?
    let token: String?
    /// null is how llama.cpp, whose JSON has no infinity, writes the logarithm of 0.
    let logprob: Double?
    let top_logprobs: [Entry]?
  }

  private static let leastWritten = -9999.0
  /// Some servers round to a little more than 0.
  private static let greatestWritten = 0.01

  let content: [Entry]?
  let tokens: [String]?
  let token_logprobs: [Double?]?
  let top_logprobs: [[String: Double?]?]?

  /// The generated tokens, whichever shape they came in.
  var generatedTokens: [GeneratedToken] {
    if let content {
      return content.map { entry in
        GeneratedToken(
          chosen: Self.candidate(entry),
          candidates: (entry.top_logprobs ?? []).map(Self.candidate).sortedByProbability)
      }
    }
    let tokens = tokens ?? []
    return tokens.indices.compactMap { index in
      guard let token_logprobs, index < token_logprobs.count,
        let logProbability = token_logprobs[index]
      else { return nil }
      let alternatives =
        top_logprobs.flatMap { index < $0.count ? $0[index] : nil } ?? [:]
      return GeneratedToken(
        chosen: Self.candidate(nil, tokens[index], logProbability),
        candidates: alternatives.map { Self.candidate(nil, $0.key, $0.value) }
          .sortedByProbability)
    }
  }

  private static func candidate(_ entry: Entry) -> TokenCandidate {
    candidate(entry.id, entry.token, entry.logprob)
  }

  /// What a server means by a log-probability: null and everything from OpenAI's and vLLM's -9999
  /// down to the least number are the logarithm of 0, what is above 0 is none.
  private static func meaning(_ written: Double?) -> Double {
    guard let written, written > leastWritten else { return -.infinity }
    return written > greatestWritten ? .nan : written
  }

  /// A candidate; a text such as `token_id:7` is a number.
  private static func candidate(
    _ identifier: Int?, _ text: String?, _ written: Double?
  ) -> TokenCandidate {
    let logProbability = meaning(written)
    let mark = "token_id:"
    if identifier == nil, let text, text.hasPrefix(mark),
      let number = Int(text.dropFirst(mark.count))
    {
      return TokenCandidate(identifier: number, text: nil, logProbability: logProbability)
    }
    return TokenCandidate(identifier: identifier, text: text, logProbability: logProbability)
  }
}

extension [TokenCandidate] {
  /// The best first; equal ones by their number, so that the order is always the same.
  fileprivate var sortedByProbability: [TokenCandidate] {
    func rank(_ value: Double) -> Double { value.isNaN ? -.infinity : value }
    return sorted {
      let (left, right) = (rank($0.logProbability), rank($1.logProbability))
      return left != right
        ? left > right
        : ($0.identifier ?? 0, $0.text ?? "") < ($1.identifier ?? 0, $1.text ?? "")
    }
  }
}

/// What `/tokenize` answers; vLLM adds more.
struct TokenizeAnswer: Decodable {
  let tokens: [Int]
}

/// What `/v1/models` answers.
struct ModelsAnswer: Decodable {
  struct Model: Decodable {
    let id: String
  }

  let data: [Model]
}
