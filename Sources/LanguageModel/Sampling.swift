/// How a server chooses tokens. Every field is sent each time, because servers' defaults differ.
package struct Sampling: Hashable, Sendable {
  /// Tokens to generate at most.
  package var tokensMax: Int
  /// 0 takes the most probable token each time.
  package var temperature: Double
  /// The share of the probability that tokens are drawn from; 1 is all of it.
  package var topP: Double
  /// The number of most probable tokens that are drawn from; 0 is all of them.
  package var topK: Int
  /// Tokens less probable than this share of the best one are left out.
  package var minP: Double
  /// What the server's random numbers start from. Its highest bit is left out: some servers read
  /// the largest number as a wish for a random seed.
  package var seed: UInt32
  /// Texts before which the generation ends.
  package var stops: [String]

  package init(
    tokensMax: Int, temperature: Double = 0, topP: Double = 1, topK: Int = 0, minP: Double = 0,
    seed: UInt32 = 0, stops: [String] = []
  ) {
    self.tokensMax = tokensMax
    self.temperature = temperature
    self.topP = topP
    self.topK = topK
    self.minP = minP
    self.seed = seed
    self.stops = stops
  }
}

/// One turn of a conversation.
package struct ChatTurn: Hashable, Sendable, Codable {
  package enum Role: String, Hashable, Sendable, Codable {
    case system, user, assistant
  }

  package let role: Role
  package let content: String

  package init(_ role: Role, _ content: String) {
    self.role = role
    self.content = content
  }
}
