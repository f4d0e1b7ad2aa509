import Tensors

extension TrainableModel {
  /// Each layer's keys and queries of relative positions.
  package func prepareRelativeTables() {
    guard let relative = configuration.relative else {
      relativeTables = layers.map { _ in RelativeTables(keys: nil, queries: nil) }
      return
    }
    let rows = 2 * relative.span
    let weights = Matrix(copying: parameters.tensor(relativeTable))
    var table = Matrix(rows: rows, columns: configuration.hidden)
    device.copy(weights, rows: 0..<rows, into: &table, rows: 0..<rows)
    if let norm = relativeNorm { device.normalize(&table, rows: 0..<rows, norm.norm) }
    relativeTables = layers.map { layer in
      RelativeTables(
        keys: layer.positionKey.map { project(table, rows: rows, through: $0) },
        queries: layer.positionQuery.map { project(table, rows: rows, through: $0) })
    }
    memory.relative = table
    memory.relativeWeights = weights
  }

  private func project(
    _ table: borrowing Matrix, rows: Int, through linear: TrainableLinear
  ) -> Parameter {
    var result = Matrix(rows: rows, columns: configuration.hidden)
    device.apply(linear.map, to: table, rows: 0..<rows, into: &result, rows: 0..<rows)
    return Parameter(result)
  }

  /// The logits of each sequence; leaves what the backward pass needs in `memory`.
  package func forward(_ batch: TokenBatch, _ plan: DropoutPlan) -> [Logits] {
    memory.reserve(batch, configuration, workers: device.pool.workers)
    embed(batch, plan)
    let items = self.items(of: batch)
    for index in layers.indices { runLayer(index, batch, items, plan) }
    let sequences = 0..<batch.count
    device.drop(&memory.firstStates, rows: sequences, plan.pooler)
    device.apply(
      pooler.map, to: memory.firstStates, rows: sequences, into: &memory.pooled, rows: sequences)
    device.apply(
      configuration.poolerActivation, to: memory.pooled, rows: sequences,
      into: &memory.poolerOutput, rows: sequences)
    device.drop(&memory.poolerOutput, rows: sequences, plan.classifier)
    device.apply(
      classifier.map, to: memory.poolerOutput, rows: sequences, into: &memory.logits,
      rows: sequences)
    return pairs(memory.logits, sequences.count)
  }

  private func pairs(_ logits: borrowing Matrix, _ count: Int) -> [Logits] {
    let values = logits.values
    return (0..<count).map {
      Logits(safe: values[2 * $0 + 1 - unsafeRow], unsafe: values[2 * $0 + unsafeRow])
    }
  }

  /// The first layer's input = drop(norm(word + position + type embeddings)).
  private func embed(_ batch: TokenBatch, _ plan: DropoutPlan) {
    let tokens = 0..<batch.tokens.count
    if let projection = embeddingProjection {
      lookUp(batch, into: &memory.embedded)
      device.apply(
        projection.map, to: memory.embedded, rows: tokens, into: &memory.embeddingSum, rows: tokens)
    } else {
      lookUp(batch, into: &memory.embeddingSum)
    }
    let input = memory.inputs[0]
    device.normalize(memory.embeddingSum, rows: tokens, into: &input.states, embeddingNorm.norm)
    device.drop(&input.states, rows: tokens, plan.embeddings)
  }

  private func lookUp(_ batch: TokenBatch, into result: inout Matrix) {
    let words = parameters.parameter(embeddings("word"))
    device.gather(words, at: batch.tokens.span, into: &result)
    for (name, rows) in addedTables(batch) {
      var addend = Matrix(rows: rows.count, columns: configuration.embedding)
      device.gather(parameters.parameter(name), at: rows.span, into: &addend)
      device.add(addend, rows: 0..<rows.count, to: &result, rows: 0..<rows.count)
    }
  }

  /// The tables whose rows are added to the words', with each token's row.
  func addedTables(_ batch: TokenBatch) -> [(name: String, rows: [Int32])] {
    var tables: [(name: String, rows: [Int32])] = []
    let sequences = 0..<batch.count
    if configuration.absolutePositions != nil {
      let first = configuration.firstPosition
      let rows = sequences.flatMap { sequence in
        (0..<batch.range(of: sequence).count).map { Int32(first + $0) }
      }
      tables.append((embeddings("position"), rows))
    }
    if configuration.tokenTypes > 0 {
      let hasSecond = configuration.tellsTextsApart
      let rows = sequences.flatMap { sequence in
        let secondText = batch.secondText(of: sequence)
        return batch.range(of: sequence).map { Int32(hasSecond && secondText.contains($0) ? 1 : 0) }
      }
      tables.append((embeddings("token_type"), rows))
    }
    return tables
  }

  private func embeddings(_ name: String) -> String {
    "\(configuration.backbone.prefix)embeddings.\(name)_embeddings.weight"
  }

  /// The name of the weights of relative positions.
  var relativeTable: String { configuration.backbone.prefix + "encoder.rel_embeddings.weight" }

  /// The attention items of inner layers, and of the last one.
  func items(of batch: TokenBatch) -> (inner: [AttentionItem], last: [AttentionItem]) {
    var inner: [AttentionItem] = []
    var last: [AttentionItem] = []
    for sequence in 0..<batch.count {
      let range = batch.range(of: sequence)
      last.append(
        AttentionItem(
          queryRow: sequence, queryPosition: 0, queries: 1, keyRow: range.lowerBound,
          keys: range.count))
      for position in stride(from: 0, to: range.count, by: AttentionItem.queriesMax) {
        inner.append(
          AttentionItem(
            queryRow: range.lowerBound + position, queryPosition: position,
            queries: min(AttentionItem.queriesMax, range.count - position),
            keyRow: range.lowerBound, keys: range.count))
      }
    }
    return (inner, last)
  }

  /// One layer: attention, feed-forward, both with residual and normalisation. The last one
  /// computes the first token of each sequence only: nothing reads the others.
  func runLayer(
    _ index: Int, _ batch: TokenBatch, _ items: (inner: [AttentionItem], last: [AttentionItem]),
    _ plan: DropoutPlan
  ) {
    let isLast = index == layers.count - 1
    let tape = memory.tape(index)
    let input = memory.inputs[index]
    let rows = 0..<(isLast ? batch.count : batch.tokens.count)
    if isLast {
      for sequence in 0..<batch.count {
        let start = batch.range(of: sequence).lowerBound
        device.copy(
          input.states, rows: start..<start + 1, into: &tape.residual, rows: sequence..<sequence + 1
        )
      }
      attend(index, tape, input, residual: tape.residual, rows, batch, items.last, plan)
    } else {
      attend(index, tape, input, residual: input.states, rows, batch, items.inner, plan)
    }
    feedForward(index, tape, rows, plan)
    let norm = layers[index].outputNorm.norm
    if isLast {
      device.normalize(tape.outputSum, rows: rows, into: &memory.firstStates, norm)
    } else if index == 0, let convolution {
      device.normalize(tape.outputSum, rows: rows, into: &memory.convolution.sum, norm)
      convolve(convolution, batch, plan)
    } else {
      device.normalize(tape.outputSum, rows: rows, into: &memory.inputs[index + 1].states, norm)
    }
  }

  private func attend(
    _ index: Int, _ tape: LayerTape, _ input: LayerInput, residual: borrowing Matrix,
    _ rows: Range<Int>, _ batch: TokenBatch, _ items: [AttentionItem], _ plan: DropoutPlan
  ) {
    let layer = layers[index]
    let tokens = 0..<batch.tokens.count
    device.apply(layer.query.map, to: residual, rows: rows, into: &tape.queries, rows: rows)
    device.apply(layer.key.map, to: input.states, rows: tokens, into: &tape.keys, rows: tokens)
    device.apply(layer.value.map, to: input.states, rows: tokens, into: &tape.values, rows: tokens)
    device.attend(
      heads(index, plan), items: items, queries: tape.queries, keys: tape.keys,
      values: tape.values, relative: relativeTables[index], slots: memory.slots,
      scratch: memory.scratch, into: &tape.context)
    device.apply(
      layer.attentionOutput.map, to: tape.context, rows: rows, into: &tape.attentionSum, rows: rows)
    device.drop(&tape.attentionSum, rows: rows, plan.attentionOutput(layer: index))
    device.add(residual, rows: rows, to: &tape.attentionSum, rows: rows)
    device.normalize(
      tape.attentionSum, rows: rows, into: &tape.attended, layer.attentionNorm.norm)
  }

  /// The heads of a layer with its dropout.
  func heads(_ layer: Int, _ plan: DropoutPlan) -> CPUDevice.Heads {
    CPUDevice.Heads(
      count: configuration.heads,
      scale: 1 / Float(configuration.headSize * configuration.scoreTerms).squareRoot(),
      dropout: plan.attention(layer: layer))
  }

  private func feedForward(
    _ index: Int, _ tape: LayerTape, _ rows: Range<Int>, _ plan: DropoutPlan
  ) {
    let layer = layers[index]
    device.apply(
      layer.expansion.map, to: tape.attended, rows: rows, into: &tape.expanded, rows: rows)
    for start in stride(from: 0, to: rows.count, by: TrainingMemory.chunkRows) {
      let some = start..<min(start + TrainingMemory.chunkRows, rows.count)
      device.apply(
        .gelu, to: tape.expanded, rows: some, into: &memory.activated, rows: 0..<some.count)
      device.apply(
        layer.contraction.map, to: memory.activated, rows: 0..<some.count, into: &tape.outputSum,
        rows: some)
    }
    device.drop(&tape.outputSum, rows: rows, plan.feedForwardOutput(layer: index))
    device.add(tape.attended, rows: rows, to: &tape.outputSum, rows: rows)
  }
}
