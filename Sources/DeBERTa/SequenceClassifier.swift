import Glibc
package import Tensors

/// A DeBERTa model that classifies sequences into safe and unsafe, on whatever device.
package protocol SequenceClassifier: Sendable {
  /// The switches of the model.
  var configuration: ModelConfiguration { get }
  /// Identifies configuration, weights and tokenizer; changes with any of their bits, and with
  /// nothing else.
  var hash: ContentHash { get }
  /// Tokens of a batch beyond which a larger one is no faster.
  var packedTokensMax: Int { get }

  /// Does once what would slow down the first batches.
  func warmUp() throws(BatchError)

  /// Appends the logits of every sequence of `batch` to `results`, in order. Several threads may
  /// call it.
  func classify(_ batch: TokenBatch, into results: inout [Logits]) throws(BatchError)
}

extension SequenceClassifier {
  package func warmUp() throws(BatchError) {}

  /// The logits of every sequence of `batch`, in order.
  package func classify(_ batch: TokenBatch) throws(BatchError) -> [Logits] {
    var results: [Logits] = []
    try classify(batch, into: &results)
    return results
  }
}

/// What a classifier says of one sequence.
package struct Logits: Sendable, Equatable {
  /// The logit of label 0, safe.
  package let safe: Float
  /// The logit of label 1, unsafe.
  package let unsafe: Float
  /// The logits of all labels, in the model's order, where there are more than the two; else empty.
  package let labels: [Float]

  /// A pair of logits.
  package init(safe: Float, unsafe: Float, labels: [Float] = []) {
    self.safe = safe
    self.unsafe = unsafe
    self.labels = labels
  }

  /// Softmax of the two at label 1, between 0 and 1.
  package var unsafeProbability: Double { 1 / (1 + exp(Double(safe) - Double(self.unsafe))) }
}

extension ModelConfiguration {
  /// Refuses a batch that a model of this configuration cannot judge.
  package func check(_ batch: TokenBatch) throws(BatchError) {
    for sequence in 0..<batch.count {
      let range = batch.range(of: sequence)
      guard !range.isEmpty else { throw .emptySequence(index: sequence) }
      if let absolutePositions, range.count > absolutePositions {
        throw .tooLong(sequence: sequence, tokensMax: absolutePositions)
      }
      for token in range where !isKnown(batch.tokens[token]) {
        throw .unknownToken(sequence: sequence)
      }
    }
  }

  private func isKnown(_ token: Int32) -> Bool { token >= 0 && Int(token) < vocabulary }
}
