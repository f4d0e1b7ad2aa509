/// What `/v1/chat/completions` and `/v1/completions` are sent: OpenAI's names, and those that vLLM
/// and llama.cpp add.
struct RequestBody: Encodable {
  /// A number of candidates on one endpoint, a wish for any on the other.
  enum LogProbabilities: Encodable {
    case wanted
    case count(Int)

    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch self {
      case .wanted: try container.encode(true)
      case .count(let count): try container.encode(count)
      }
    }
  }

  let model: String
  var prompt: String?
  var messages: [ChatTurn]?
  /// vLLM needs both to go on with the last turn; llama.cpp does so by itself.
  var continuesLastTurn: Bool?
  var addsTurn: Bool?
  let tokensMax: Int
  let temperature: Double
  let topP: Double
  let topK: Int
  let minP: Double
  let seed: UInt32
  let stops: [String]?
  var logProbabilities: LogProbabilities?
  var candidates: Int?
  /// vLLM then writes `token_id:7` instead of texts, which several tokens can share.
  var writesTokenIdentifiers: Bool?
  let bias: [String: Double]?
  let stream = false

  init(model: String, sampling: Sampling, bias: [Int: Double]) {
    self.model = model
    tokensMax = sampling.tokensMax
    temperature = sampling.temperature
    topP = sampling.topP
    topK = sampling.topK
    minP = sampling.minP
    seed = sampling.seed & 0x7fff_ffff
    stops = sampling.stops.isEmpty ? nil : sampling.stops
    self.bias =
      bias.isEmpty
      ? nil : Dictionary(uniqueKeysWithValues: bias.map { ("\($0.key)", $0.value) })
  }

  enum CodingKeys: String, CodingKey {
    case model, prompt, messages, temperature, seed, stream
    case continuesLastTurn = "continue_final_message"
    case addsTurn = "add_generation_prompt"
    case tokensMax = "max_tokens"
    case topP = "top_p"
    case topK = "top_k"
    case minP = "min_p"
    case stops = "stop"
    case logProbabilities = "logprobs"
    case candidates = "top_logprobs"
    case writesTokenIdentifiers = "return_tokens_as_token_ids"
    case bias = "logit_bias"
  }
}

/// What `/tokenize` is sent: llama.cpp's names and vLLM's; each ignores the other's.
struct TokenizeBody: Encodable {
  let model: String
  let content: String
  let prompt: String
  let addsSpecial = false
  let addsSpecialTokens = false

  enum CodingKeys: String, CodingKey {
    case model, content, prompt
    case addsSpecial = "add_special"
    case addsSpecialTokens = "add_special_tokens"
  }
}
