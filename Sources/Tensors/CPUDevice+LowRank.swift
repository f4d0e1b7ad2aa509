/// A change of a weight (outputs, inputs) of low rank: scale · up (outputs, rank) · down (rank,
/// inputs), as in LoRA (Hu et al., arXiv 2106.09685).
package struct LowRankChange: Sendable {
  package let up: ArenaTensor
  package let down: ArenaTensor
  package let scale: Float

  package init(up: ArenaTensor, down: ArenaTensor, scale: Float) {
    precondition(up.shape[1] == down.shape[0], "both have the same rank")
    self.up = up
    self.down = down
    self.scale = scale
  }
}

extension CPUDevice {
  /// weight = base + change.
  package func set(_ weight: ArenaTensor, to base: ArenaTensor, plus change: LowRankChange) {
    precondition(weight.shape == base.shape, "sizes differ")
    let (target, source) = unsafe (weight.block, base.block)
    let (up, down) = unsafe (change.up.block, change.down.block)
    let grid = TileGrid(rows: weight.shape[0], columns: weight.shape[1], workers: pool.workers)
    let rank = change.down.shape[0]
    pool.parallelFor(grid.count) { index, _ in
      let (rows, columns) = grid.tile(index)
      let tile = unsafe target.part(rows: rows, columns: columns)
      unsafe tile.copy(source.part(rows: rows, columns: columns))
      unsafe tile.addProduct(
        up.part(rows: rows, columns: 0..<rank), down.part(rows: 0..<rank, columns: columns),
        scale: change.scale)
    }
  }

  /// The gradients of a change from the one of its weight: up += scale · g · downᵀ,
  /// down += scale · upᵀ · g.
  package func accumulate(
    _ gradient: LowRankChange, of change: LowRankChange, weightGradient: ArenaTensor
  ) {
    precondition(
      weightGradient.shape == [change.up.shape[0], change.down.shape[1]], "sizes differ")
    let whole = unsafe weightGradient.block
    let (up, down) = unsafe (change.up.block, change.down.block)
    let (upTotal, downTotal) = unsafe (gradient.up.block, gradient.down.block)
    unsafe upTotal.addProduct(whole, transposed: down, scale: change.scale)
    unsafe downTotal.addProduct(transposed: up, whole, scale: change.scale)
  }
}
