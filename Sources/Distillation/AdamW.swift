package import Tensors

/// A tensor that an optimizer changes, with its gradient.
package struct OptimizedTensor: Sendable {
  package let weight: ArenaTensor
  package let gradient: ArenaTensor
  /// Weight decay applies.
  package let decays: Bool

  package init(weight: ArenaTensor, gradient: ArenaTensor, decays: Bool) {
    self.weight = weight
    self.gradient = gradient
    self.decays = decays
  }
}

/// A table of embeddings that an optimizer changes, with its sparse gradient; decay applies.
package struct OptimizedTable {
  package let weight: ArenaTensor
  package let gradient: SparseRows

  package init(weight: ArenaTensor, gradient: SparseRows) {
    self.weight = weight
    self.gradient = gradient
  }
}

/// AdamW with the gradient clipped to a norm over all tensors, as PyTorch computes both.
package final class AdamW {
  private let device: CPUDevice
  private let tensors: [OptimizedTensor]
  private let table: OptimizedTable?
  private let moments: [AdamWMoments]
  private let tableMoments: AdamWMoments?
  private let weightDecay: Double
  private let clipNorm: Double
  /// Means of gradients and of their squares, of all tensors in their order, then of the table.
  private let means: FloatArena
  private let squares: FloatArena
  /// Steps taken.
  package var stepsTaken = 0

  /// Has taken no step.
  package init(
    tensors: [OptimizedTensor], table: OptimizedTable? = nil, weightDecay: Double,
    clipNorm: Double, pool: WorkerPool
  ) {
    device = CPUDevice(pool: pool)
    self.tensors = tensors
    self.table = table
    self.weightDecay = weightDecay
    self.clipNorm = clipNorm
    let count = tensors.reduce(table?.weight.count ?? 0) { $0 + $1.weight.count }
    let (means, squares) = (FloatArena(count: count), FloatArena(count: count))
    (self.means, self.squares) = (means, squares)
    var offset = 0
    func place(_ tensor: ArenaTensor) -> AdamWMoments {
      defer { offset += tensor.count }
      return AdamWMoments(
        means: ArenaTensor(arena: means, offset: offset, shape: tensor.shape),
        squares: ArenaTensor(arena: squares, offset: offset, shape: tensor.shape))
    }
    moments = tensors.map { place($0.weight) }
    tableMoments = table.map { place($0.weight) }
  }

  /// Everything that a resumed training needs: weights, then both moments.
  package var state: [ArenaTensor] {
    tensors.map(\.weight) + (table.map { [$0.weight] } ?? [])
      + [means, squares].map { ArenaTensor(arena: $0, offset: 0, shape: [$0.count]) }
  }

  /// One step; returns the gradient's norm before clipping. A gradient that is not finite changes
  /// nothing, and its norm says so.
  package func step(rate: Double) -> Double {
    var squares = tensors.reduce(0.0) { $0 + device.sumOfSquares($1.gradient) }
    if let table { squares += table.gradient.sumOfSquares() }
    let norm = squares.squareRoot()
    stepsTaken += 1
    guard norm.isFinite else { return norm }
    var step = AdamWStep(
      gradientScale: Float(min(1, clipNorm / (norm + 1e-6))), rate: Float(rate), weightDecay: 0,
      number: stepsTaken)
    for (tensor, moments) in zip(tensors, moments) {
      step.weightDecay = tensor.decays ? Float(weightDecay) : 0
      device.adamW(tensor.weight, moments, gradient: tensor.gradient, step)
    }
    if let table, let tableMoments {
      step.weightDecay = Float(weightDecay)
      device.adamW(table.weight, tableMoments, gradient: table.gradient, step)
    }
    return norm
  }
}
