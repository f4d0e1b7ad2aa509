package import Tensors

/// A model folder's contents, before any device computes with them.
package struct LoadedModel: Sendable {
  /// The switches.
  package let configuration: ModelConfiguration
  /// Every weight, and the tables that are derived from them.
  package let weights: ModelWeights
  /// What the logits mean that `weights` give.
  package let labels: LabelScheme
  /// Identifies configuration, weights and tokenizer; changes with any of their bits.
  package let hash: ContentHash
  /// Where the weights come from.
  package let files: WeightFiles

  /// Opens the model in `folder`, checks it, and computes its relative tables.
  ///
  /// - Parameter unsafeLabels: the unsafe labels, where their names do not tell; else empty.
  package init(
    folder path: String, unsafeLabels: [String] = [], pool: WorkerPool
  ) throws(ModelError) {
    try self.init(try ModelFolder(path: path), unsafeLabels: unsafeLabels, pool: pool)
  }

  /// Checks the model in a folder, and computes its relative tables.
  ///
  /// - Parameter unsafeLabels: the unsafe labels, where their names do not tell; else empty.
  package init(
    _ folder: ModelFolder, unsafeLabels: [String], pool: WorkerPool
  ) throws(ModelError) {
    configuration = folder.configuration
    let labels = try folder.labelScheme(chosen: unsafeLabels)
    weights = try ModelWeights(folder: folder, labels: labels, device: CPUDevice(pool: pool))
    self.labels = labels.inOrder
    try folder.checkNumbers(on: pool)
    hash = folder.hash(on: pool)
    files = folder.weightFiles
  }
}
