import Tensors

extension TrainableModel {
  /// Adds the gradients of the batch whose forward pass ran last.
  func backward(_ batch: TokenBatch, _ plan: DropoutPlan, _ lossGradient: [Logits]) {
    precondition(lossGradient.count == batch.count, "each sequence has a gradient")
    headBackward(lossGradient, plan)
    let items = self.items(of: batch)
    for index in layers.indices.reversed() {
      if recomputesActivations, index < layers.count - 1 { runLayer(index, batch, items, plan) }
      if index == 0, let convolution { convolutionBackward(convolution, batch, plan) }
      layerBackward(index, batch, items, plan)
    }
    if let convolution { convolutionInputBackward(convolution, batch) }
    embeddingBackward(batch, plan)
  }

  /// From the logits to the last layer's output, in `memory.gradient`.
  private func headBackward(_ lossGradient: [Logits], _ plan: DropoutPlan) {
    let rows = 0..<lossGradient.count
    set(&memory.logitGradient, to: lossGradient)
    device.accumulate(
      classifier.gradient, gradient: memory.logitGradient, rows: rows, input: memory.poolerOutput,
      rows: rows)
    device.applyTransposed(
      classifier.map, to: memory.logitGradient, rows: rows, into: &memory.branch, rows: rows,
      adds: false)
    device.drop(&memory.branch, rows: rows, plan.classifier)
    device.applyGradient(
      of: configuration.poolerActivation, to: &memory.branch, rows: rows, inputs: memory.pooled,
      rows: rows)
    device.accumulate(
      pooler.gradient, gradient: memory.branch, rows: rows, input: memory.firstStates, rows: rows)
    device.applyTransposed(
      pooler.map, to: memory.branch, rows: rows, into: &memory.gradient, rows: rows, adds: false)
    device.drop(&memory.gradient, rows: rows, plan.pooler)
  }

  private func set(_ matrix: inout Matrix, to pairs: [Logits]) {
    var values = matrix.mutableValues
    for (row, pair) in pairs.enumerated() {
      values[2 * row + 1 - unsafeRow] = pair.safe
      values[2 * row + unsafeRow] = pair.unsafe
    }
  }

  /// From a layer's output to its input, both in `memory.gradient`.
  private func layerBackward(
    _ index: Int, _ batch: TokenBatch,
    _ items: (inner: [AttentionItem], last: [AttentionItem]), _ plan: DropoutPlan
  ) {
    let isLast = index == layers.count - 1
    let tape = memory.tape(index)
    let rows = 0..<(isLast ? batch.count : batch.tokens.count)
    feedForwardBackward(index, tape, rows, plan)
    attentionBackward(index, tape, rows, isLast ? items.last : items.inner, plan)
    let input = memory.inputs[index]
    let gradients = memory.attention
    let layer = layers[index]
    let tokens = 0..<batch.tokens.count
    if isLast {
      device.accumulate(
        layer.query.gradient, gradient: gradients.queries, rows: rows, input: tape.residual,
        rows: rows)
    } else {
      device.accumulate(
        layer.query.gradient, gradient: gradients.queries, rows: rows, input: input.states,
        rows: rows)
    }
    device.applyTransposed(
      layer.query.map, to: gradients.queries, rows: rows, into: &memory.gradient, rows: rows,
      adds: true)
    if isLast { spreadFirstTokens(batch) }
    device.accumulate(
      layer.key.gradient, gradient: gradients.keys, rows: tokens, input: input.states, rows: tokens)
    device.applyTransposed(
      layer.key.map, to: gradients.keys, rows: tokens, into: &memory.gradient, rows: tokens,
      adds: true)
    device.accumulate(
      layer.value.gradient, gradient: gradients.values, rows: tokens, input: input.states,
      rows: tokens)
    device.applyTransposed(
      layer.value.map, to: gradients.values, rows: tokens, into: &memory.gradient, rows: tokens,
      adds: true)
  }

  /// Takes `memory.gradient` from the layer's output to the attention's normalised sum.
  private func feedForwardBackward(
    _ index: Int, _ tape: LayerTape, _ rows: Range<Int>, _ plan: DropoutPlan
  ) {
    let layer = layers[index]
    device.normalizeGradient(
      &memory.gradient, inputs: tape.outputSum, rows: rows, layer.outputNorm.norm,
      layer.outputNorm.gradient)
    device.copy(memory.gradient, rows: rows, into: &memory.branch, rows: rows)
    device.drop(&memory.branch, rows: rows, plan.feedForwardOutput(layer: index))
    for start in stride(from: 0, to: rows.count, by: TrainingMemory.chunkRows) {
      let some = start..<min(start + TrainingMemory.chunkRows, rows.count)
      let part = 0..<some.count
      device.apply(.gelu, to: tape.expanded, rows: some, into: &memory.activated, rows: part)
      device.accumulate(
        layer.contraction.gradient, gradient: memory.branch, rows: some, input: memory.activated,
        rows: part)
      device.applyTransposed(
        layer.contraction.map, to: memory.branch, rows: some, into: &memory.activatedGradient,
        rows: part, adds: false)
      device.applyGradient(
        of: .gelu, to: &memory.activatedGradient, rows: part, inputs: tape.expanded, rows: some)
      device.accumulate(
        layer.expansion.gradient, gradient: memory.activatedGradient, rows: part,
        input: tape.attended, rows: some)
      device.applyTransposed(
        layer.expansion.map, to: memory.activatedGradient, rows: part, into: &memory.gradient,
        rows: some, adds: true)
    }
  }

  /// Takes `memory.gradient` on to the residual, and leaves those at queries, keys and values.
  private func attentionBackward(
    _ index: Int, _ tape: LayerTape, _ rows: Range<Int>, _ items: [AttentionItem],
    _ plan: DropoutPlan
  ) {
    let layer = layers[index]
    device.normalizeGradient(
      &memory.gradient, inputs: tape.attentionSum, rows: rows, layer.attentionNorm.norm,
      layer.attentionNorm.gradient)
    device.copy(memory.gradient, rows: rows, into: &memory.branch, rows: rows)
    device.drop(&memory.branch, rows: rows, plan.attentionOutput(layer: index))
    device.accumulate(
      layer.attentionOutput.gradient, gradient: memory.branch, rows: rows, input: tape.context,
      rows: rows)
    device.applyTransposed(
      layer.attentionOutput.map, to: memory.branch, rows: rows, into: &memory.contextGradient,
      rows: rows, adds: false)
    device.attendGradient(
      heads(index, plan), items: items, queries: tape.queries, keys: tape.keys,
      values: tape.values, relative: relativeTables[index], slots: memory.slots,
      outputGradient: memory.contextGradient, scratch: memory.scratch, into: memory.attention,
      tables: relativeGradients[index])
  }

  /// Moves the gradients of first tokens from the rows of their sequences to those of tokens.
  private func spreadFirstTokens(_ batch: TokenBatch) {
    let sequences = 0..<batch.count
    device.copy(memory.gradient, rows: sequences, into: &memory.branch, rows: sequences)
    device.setZero(&memory.gradient, rows: 0..<batch.tokens.count)
    for sequence in sequences {
      let start = batch.range(of: sequence).lowerBound
      device.copy(
        memory.branch, rows: sequence..<sequence + 1, into: &memory.gradient,
        rows: start..<start + 1)
    }
  }

  /// From the first layer's input to the embeddings.
  private func embeddingBackward(_ batch: TokenBatch, _ plan: DropoutPlan) {
    let tokens = 0..<batch.tokens.count
    device.drop(&memory.gradient, rows: tokens, plan.embeddings)
    device.normalizeGradient(
      &memory.gradient, inputs: memory.embeddingSum, rows: tokens, embeddingNorm.norm,
      embeddingNorm.gradient)
    if let projection = embeddingProjection {
      device.accumulate(
        projection.gradient, gradient: memory.gradient, rows: tokens, input: memory.embedded,
        rows: tokens)
      device.applyTransposed(
        projection.map, to: memory.gradient, rows: tokens, into: &memory.embeddedGradient,
        rows: tokens, adds: false)
      addToTables(memory.embeddedGradient, batch)
    } else {
      addToTables(memory.gradient, batch)
    }
  }

  private func addToTables(_ gradient: borrowing Matrix, _ batch: TokenBatch) {
    parameters.words.add(gradient, at: batch.tokens.span)
    for (name, rows) in addedTables(batch) {
      device.scatterAdd(gradient, at: rows.span, to: parameters.gradient(name))
    }
  }

  /// From the layers' keys and queries of relative positions to the weights behind them.
  func relativeTablesBackward() {
    guard let relative = configuration.relative else { return }
    let rows = 0..<2 * relative.span
    var total = Matrix(rows: rows.count, columns: configuration.hidden)
    for (layer, gradients) in zip(layers, relativeGradients) {
      if let key = layer.positionKey {
        device.accumulate(
          key.gradient, gradient: gradients.keys, rows: rows, input: memory.relative, rows: rows)
        device.applyTransposed(
          key.map, to: gradients.keys, rows: rows, into: &total, rows: rows, adds: true)
      }
      if let query = layer.positionQuery {
        device.accumulate(
          query.gradient, gradient: gradients.queries, rows: rows, input: memory.relative,
          rows: rows)
        device.applyTransposed(
          query.map, to: gradients.queries, rows: rows, into: &total, rows: rows, adds: true)
      }
    }
    if let norm = relativeNorm {
      device.normalizeGradient(
        &total, inputs: memory.relativeWeights, rows: rows, norm.norm, norm.gradient)
    }
    let all = rows.map { Int32($0) }
    device.scatterAdd(
      total, at: all.span, to: parameters.gradient(relativeTable))
  }
}
