internal import Basics
package import DeBERTa
import Glibc
package import Tensors

/// Changes of low rank of a model's linear maps, trained instead of the maps themselves; the small
/// head (pooler, classifier) is trained in full, as it is new in each task.
///
/// The model always holds the merged weights: passes run at full speed, its gradients are exact,
/// and saving needs no further step.
package final class LowRankAdapters {
  private struct Adapter {
    let base: ArenaTensor
    let weight: ArenaTensor
    let weightGradient: ArenaTensor
    let change: LowRankChange
    let gradient: LowRankChange
  }

  private let device: CPUDevice
  private let adapters: [Adapter]
  private let gradients: FloatArena
  /// What the optimizer changes.
  package let tensors: [OptimizedTensor]

  /// Changes that are nothing yet: `up` is 0, `down` is random.
  package init(
    model: TrainableModel, recipe: TrainingRecipe.LowRank, seed: UInt64, pool: WorkerPool
  ) {
    device = CPUDevice(pool: pool)
    let parameters = model.parameters
    let entries = Self.adapted(model, recipe)
    let floats = entries.reduce(0) { $0 + recipe.rank * ($1.shape[0] + $1.shape[1]) }
    let changes = FloatArena(count: max(1, floats))
    let gradients = FloatArena(count: max(1, floats))
    let bases = FloatArena(count: max(1, entries.reduce(0) { $0 + $1.count }))
    self.gradients = gradients
    let scale = Float(recipe.alpha / Double(recipe.rank))
    var (offset, baseOffset) = (0, 0)
    adapters = entries.map { entry in
      let (upShape, downShape) = ([entry.shape[0], recipe.rank], [recipe.rank, entry.shape[1]])
      func change(in arena: FloatArena) -> LowRankChange {
        let up = ArenaTensor(arena: arena, offset: offset, shape: upShape)
        let down = ArenaTensor(arena: arena, offset: offset + up.count, shape: downShape)
        return LowRankChange(up: up, down: down, scale: scale)
      }
      let base = ArenaTensor(arena: bases, offset: baseOffset, shape: entry.shape)
      let adapter = Adapter(
        base: base, weight: parameters.tensor(entry.name),
        weightGradient: parameters.gradient(entry.name), change: change(in: changes),
        gradient: change(in: gradients))
      offset += upShape[0] * recipe.rank + recipe.rank * downShape[1]
      baseOffset += entry.count
      return adapter
    }
    let head = parameters.layout.entries.filter { $0.part == .head }
    tensors =
      adapters.flatMap { adapter in
        [
          OptimizedTensor(
            weight: adapter.change.up, gradient: adapter.gradient.up, decays: true),
          OptimizedTensor(
            weight: adapter.change.down, gradient: adapter.gradient.down, decays: true),
        ]
      }
      + head.map {
        OptimizedTensor(
          weight: parameters.tensor($0.name), gradient: parameters.gradient($0.name),
          decays: $0.decays)
      }
    start(seed: seed)
  }

  /// The model's weights become the bases plus the changes.
  package func merge() {
    for adapter in adapters { device.set(adapter.weight, to: adapter.base, plus: adapter.change) }
  }

  /// The changes' gradients, from the model's.
  package func collectGradients() {
    gradients.setZero()
    for adapter in adapters {
      device.accumulate(
        adapter.gradient, of: adapter.change, weightGradient: adapter.weightGradient)
    }
  }

  /// The maps of attention and feed-forward, in all layers or the top ones.
  private static func adapted(
    _ model: TrainableModel, _ recipe: TrainingRecipe.LowRank
  ) -> [ParameterLayout.Entry] {
    let layers = model.configuration.layers
    let first = max(0, layers - (recipe.layers ?? layers))
    return model.parameters.layout.entries.filter { entry in
      guard entry.shape.count == 2, case .layer(let layer) = entry.part else { return false }
      return layer >= first
    }
  }

  private func start(seed: UInt64) {
    var random = SplitMix64(seed: seed, stream: 0x10AA)
    for adapter in adapters {
      adapter.base.arena.withMutableValues(adapter.base.range) { bases in
        adapter.weight.arena.withValues(adapter.weight.range) { weights in
          for index in weights.indices { bases[index] = weights[index] }
        }
      }
      let down = adapter.change.down
      // Uniform, with PyTorch's bound for linear maps: 1 / sqrt(inputs).
      let bound = 1 / Float(down.shape[1]).squareRoot()
      down.arena.withMutableValues(down.range) { floats in
        for index in floats.indices {
          floats[index] = (Float(random.next() >> 40) * 0x1p-23 - 1) * bound
        }
      }
    }
  }
}
