package import Pipeline
package import Records

/// Turns the texts of an exchange into the sequences that a model judges.
package protocol ExchangeTokenizer: Sendable {
  /// 64 bits of a digest over everything that decides the sequences: what one tokenizer cut,
  /// another with the same digest would have cut in the same way.
  var cut: UInt64 { get }

  /// One sequence of token ids per window, for each view of the exchange.
  func sequences(for exchange: Exchange) throws(TokenizationFailure) -> ExchangeSequences
}

/// A model with its own tokenizer: what it judges must have been cut by it.
package typealias StreamModel = Classifier & ExchangeTokenizer

/// Why a text has no sequences: it is longer than the settings allow.
package struct TokenizationFailure: Error, Hashable, Sendable {
  /// What was exceeded, without the text.
  package let detail: String

  package init(detail: String) { self.detail = detail }
}
