package import Basics
package import Records

/// The sequences that a model judges of an exchange; at least one view has one.
package struct ExchangeSequences: Hashable, Sendable {
  /// One per window of the prompt alone; empty when this view is not judged.
  package var prompt: [TokenSequence]
  /// One per window of the prompt with its response; empty when there is none or this view is not
  /// judged.
  package var response: [TokenSequence]

  package init(prompt: [TokenSequence], response: [TokenSequence] = []) {
    self.prompt = prompt
    self.response = response
  }

  /// Token ids over all sequences.
  package var tokens: Int {
    prompt.reduce(0) { $0 + $1.count } + response.reduce(0) { $0 + $1.count }
  }

  /// Sequences of the view that needs most of them.
  package var windows: Int { max(prompt.count, response.count) }

  /// What of the exchange's texts they hold: the prompt stands in both views.
  package func coverage(of exchange: Exchange) -> Coverage {
    exchange.texts.coverage(judgesResponse: !response.isEmpty)
  }
}
