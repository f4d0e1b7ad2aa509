import Glibc
import Synchronization
package import Tensors

/// A DeBERTa-v2 or v3 sequence classifier with two labels, loaded from a Hugging Face folder.
///
/// It may be called from several threads; calls take turns, since one call uses all workers.
package final class DeBERTaClassifier: Sendable {
  /// The switches of the model.
  package let configuration: ModelConfiguration
  /// Identifies configuration, weights and tokenizer; changes with any of their bits.
  package let hash: ContentHash
  private let encoder: Encoder
  private let workspace = Mutex(Workspace())

  /// Opens the model in `folder`, checks it, and computes its relative tables.
  package init(folder path: String, pool: WorkerPool) throws(ModelError) {
    let folder = try ModelFolder(path: path)
    let device = CPUDevice(pool: pool)
    configuration = folder.configuration
    encoder = Encoder(
      shape: folder.configuration,
      weights: try ModelWeights(folder: folder, device: device), device: device)
    hash = folder.hash(on: pool)
  }

  /// The same model on other threads, with the same weights in memory.
  package init(_ other: DeBERTaClassifier, pool: WorkerPool) {
    configuration = other.configuration
    hash = other.hash
    encoder = Encoder(
      shape: other.configuration, weights: other.encoder.weights, device: CPUDevice(pool: pool))
  }

  /// Appends the logits of every sequence of `batch` to `results`, in order.
  package func classify(_ batch: TokenBatch, into results: inout [Logits]) throws(BatchError) {
    try run(batch, into: &results, observe: nil)
  }

  /// The logits of every sequence of `batch`, in order.
  package func classify(_ batch: TokenBatch) throws(BatchError) -> [Logits] {
    var results: [Logits] = []
    try classify(batch, into: &results)
    return results
  }

  /// The embeddings (tokens, hidden), then each layer's states: for comparison with a reference.
  package func hiddenStates(of batch: TokenBatch) throws(BatchError) -> [[Float]] {
    var results: [Logits] = []
    var states: [[Float]] = []
    try run(batch, into: &results) { _, layer in states.append(layer.indices.map { layer[$0] }) }
    return states
  }

  private func run(
    _ batch: TokenBatch, into results: inout [Logits], observe: ((Int, Span<Float>) -> Void)?
  ) throws(BatchError) {
    guard batch.count > 0 else { return }
    try check(batch)
    workspace.withLock { workspace in
      workspace.reserve(batch, configuration, workers: encoder.device.pool.workers)
      encoder.run(batch, in: &workspace, observe: observe)
      let logits = workspace.logits.values
      for sequence in 0..<batch.count {
        results.append(Logits(safe: logits[2 * sequence], unsafe: logits[2 * sequence + 1]))
      }
    }
  }

  private func check(_ batch: TokenBatch) throws(BatchError) {
    for sequence in 0..<batch.count {
      let range = batch.range(of: sequence)
      guard !range.isEmpty else { throw .emptySequence(index: sequence) }
      if let positions = configuration.absolutePositions, range.count > positions {
        throw .tooLong(sequence: sequence, tokensMax: positions)
      }
      for token in range where !isKnown(batch.tokens[token]) {
        throw .unknownToken(sequence: sequence)
      }
    }
  }

  private func isKnown(_ token: Int32) -> Bool {
    token >= 0 && Int(token) < configuration.vocabulary
  }
}

/// What the classifier says of one sequence.
package struct Logits: Sendable, Equatable {
  /// The logit of label 0, safe.
  package let safe: Float
  /// The logit of label 1, unsafe.
  package let unsafe: Float

  /// A pair of logits.
  package init(safe: Float, unsafe: Float) {
    self.safe = safe
    self.unsafe = unsafe
  }

  /// Softmax of the two at label 1, between 0 and 1.
  package var unsafeProbability: Double { 1 / (1 + exp(Double(safe) - Double(self.unsafe))) }
}
