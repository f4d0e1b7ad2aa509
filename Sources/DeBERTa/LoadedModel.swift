package import Tensors

/// A model folder's contents, before any device computes with them.
package struct LoadedModel: Sendable {
  /// The switches.
  package let configuration: ModelConfiguration
  /// Every weight, and the tables that are derived from them.
  package let weights: ModelWeights
  /// Identifies configuration, weights and tokenizer; changes with any of their bits.
  package let hash: ContentHash

  /// Opens the model in `folder`, checks it, and computes its relative tables.
  package init(folder path: String, pool: WorkerPool) throws(ModelError) {
    let folder = try ModelFolder(path: path)
    configuration = folder.configuration
    weights = try ModelWeights(folder: folder, device: CPUDevice(pool: pool))
    hash = folder.hash(on: pool)
  }
}
