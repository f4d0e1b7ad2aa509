package import DeBERTa
package import Tensors

extension AdamW {
  /// Changes every weight of a model.
  package convenience init(
    model: TrainableModel, weightDecay: Double, clipNorm: Double, pool: WorkerPool
  ) {
    let parameters = model.parameters
    let entries = parameters.layout.entries
    self.init(
      tensors: entries.dropFirst().map {
        OptimizedTensor(
          weight: parameters.tensor($0.name), gradient: parameters.gradient($0.name),
          decays: $0.decays)
      },
      table: OptimizedTable(
        weight: parameters.tensor(entries[0].name), gradient: parameters.words),
      weightDecay: weightDecay, clipNorm: clipNorm, pool: pool)
  }
}
