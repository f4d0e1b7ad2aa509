package import Pipeline
package import Records

/// Turns the texts of an exchange into the sequences that a model judges.
package protocol ExchangeTokenizer: Sendable {
  /// One sequence of token ids per window, for each view of the exchange.
  func sequences(for exchange: Exchange) throws(TokenizationFailure) -> ExchangeSequences
}

/// A model with its own tokenizer: what it judges must have been cut by it.
package typealias StreamModel = Classifier & ExchangeTokenizer

/// The sequences of both views of an exchange; at least one view has one.
package struct ExchangeSequences: Hashable, Sendable {
  /// The prompt alone; empty when this view is not judged.
  package var prompt: [[Int32]]
  /// The prompt with the response; empty when there is none or this view is not judged.
  package var response: [[Int32]]

  package init(prompt: [[Int32]], response: [[Int32]]) {
    self.prompt = prompt
    self.response = response
  }

  /// What of the exchange's texts they hold: the prompt stands in both views.
  package func coverage(of exchange: Exchange) -> Coverage {
    exchange.texts.coverage(judgesResponse: !response.isEmpty)
  }
}

/// Why a text has no sequences: it is longer than the settings allow.
package struct TokenizationFailure: Error, Hashable, Sendable {
  /// What was exceeded, without the text.
  package let detail: String

  package init(detail: String) { self.detail = detail }
}
