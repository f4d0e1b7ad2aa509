import Synchronization
package import Tensors

/// A DeBERTa-v2 or v3 sequence classifier, loaded from a Hugging Face folder.
///
/// It may be called from several threads; calls take turns, since one call uses all workers.
package final class DeBERTaClassifier: SequenceClassifier {
  /// The switches of the model.
  package let configuration: ModelConfiguration
  package let hash: ContentHash
  package let packedTokensMax = 16_384
  /// Threads that compute.
  package var threads: Int { encoder.device.pool.workers }
  private let encoder: Encoder
  private let labels: LabelScheme
  private let workspace = Mutex(Workspace())

  /// Opens the model in `folder`, checks it, and computes its relative tables.
  package convenience init(folder path: String, pool: WorkerPool) throws(ModelError) {
    self.init(try LoadedModel(folder: path, pool: pool), pool: pool)
  }

  /// A model that computes on the threads of `pool`.
  ///
  package init(_ model: LoadedModel, pool: WorkerPool) {
    configuration = model.configuration
    hash = model.hash
    labels = model.labels
    encoder = Encoder(
      shape: model.configuration, weights: model.weights, device: CPUDevice(pool: pool))
  }

  /// A model whose layers multiply narrower numbers.
  ///
  /// - Parameter magnitudes: what `inputMagnitudes` found; bytes round better with it.
  package init(
    _ model: LoadedModel, format: ProductFormat, magnitudes: InputMagnitudes? = nil,
    pool: WorkerPool
  ) {
    configuration = model.configuration
    hash = model.hash
    labels = model.labels
    encoder = Encoder(
      shape: model.configuration,
      weights: model.weights.packed(
        as: format, magnitudes: magnitudes, heads: model.configuration.heads, on: pool),
      device: CPUDevice(pool: pool))
  }

  /// The same model on other threads, with the same weights in memory.
  package init(_ other: DeBERTaClassifier, pool: WorkerPool) {
    configuration = other.configuration
    hash = other.hash
    labels = other.labels
    encoder = Encoder(
      shape: other.configuration, weights: other.encoder.weights, device: CPUDevice(pool: pool))
  }

  /// Appends the logits of every sequence of `batch` to `results`, in order.
  package func classify(_ batch: TokenBatch, into results: inout [Logits]) throws(BatchError) {
    try run(batch, into: &results, observe: nil)
  }

  /// How large the inputs of the layers' maps become over a batch.
  package func inputMagnitudes(of batch: TokenBatch) throws(BatchError) -> InputMagnitudes {
    workspace.withLock { $0.magnitudes = InputMagnitudes(layers: configuration.layers) }
    var results: [Logits] = []
    try run(batch, into: &results, observe: nil)
    return workspace.withLock { workspace in
      defer { workspace.magnitudes = nil }
      return workspace.magnitudes ?? InputMagnitudes(layers: configuration.layers)
    }
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
    try configuration.check(batch)
    workspace.withLock { workspace in
      let count = labels.names.count
      workspace.reserve(batch, configuration, labels: count)
      encoder.run(batch, in: &workspace, observe: observe)
      let logits = workspace.logits.values
      for sequence in 0..<batch.count {
        results.append(
          labels.logits(logits.extracting(count * sequence..<count * (sequence + 1))))
      }
    }
  }
}
