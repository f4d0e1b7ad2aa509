/// What a language model wrote.
package struct Completion: Hashable, Sendable {
  /// The generated text, without a prefilled beginning.
  package let text: String
  /// Whether the generation ended because of the limit on tokens.
  package let isCut: Bool
  /// Whether the server says that the model declines; others decline in their text.
  package let isRefusal: Bool
  /// One for each generated token, where log-probabilities were asked for.
  package let tokens: [GeneratedToken]
  package let usage: TokenUsage
  /// Requests that it took, those that failed included.
  package let requests: Int
}

/// One generated token and what could have stood in its place.
package struct GeneratedToken: Hashable, Sendable {
  package let chosen: TokenCandidate
  /// The most probable tokens at this place, the best first.
  package let candidates: [TokenCandidate]

  package init(chosen: TokenCandidate, candidates: [TokenCandidate]) {
    self.chosen = chosen
    self.candidates = candidates
  }
}

/// A token with its probability, known by its number, its text or both.
package struct TokenCandidate: Hashable, Sendable {
  package let identifier: Int?
  package let text: String?
  /// Natural logarithm.
  package let logProbability: Double

  package init(identifier: Int?, text: String?, logProbability: Double) {
    self.identifier = identifier
    self.text = text
    self.logProbability = logProbability
  }

  /// Whether it is a certain token; the number counts where the server tells it.
  package func isToken(_ identifier: Int, text: String) -> Bool {
    self.identifier.map { $0 == identifier } ?? (self.text == text)
  }
}

/// Tokens of some requests.
package struct TokenUsage: Hashable, Sendable {
  /// More than any request has. Servers say what they like: counts beyond it are taken for it, so
  /// that sums of them do not overflow.
  package static let requestMax = 1 << 32

  package var prompt: Int
  package var generated: Int

  package init(prompt: Int = 0, generated: Int = 0) {
    self.prompt = min(max(0, prompt), Self.requestMax)
    self.generated = min(max(0, generated), Self.requestMax)
  }
}
