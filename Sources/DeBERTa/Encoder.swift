import Tensors

/// The forward pass over one batch.
struct Encoder {
  let shape: ModelConfiguration
  let weights: ModelWeights
  let device: CPUDevice

  /// Leaves the logits of every sequence in the workspace, which has room for the batch.
  ///
  /// `observe` sees the embeddings as layer 0 and each layer's states; with it, the last layer
  /// computes every token although only the first of each sequence is needed.
  func run(
    _ batch: TokenBatch, in workspace: inout Workspace,
    observe: ((_ layer: Int, _ states: Span<Float>) -> Void)?
  ) {
    let tokens = 0..<batch.tokens.count
    embed(batch, in: &workspace)
    observe?(0, workspace.states.values(rows: tokens))
    if let convolution = weights.convolution { convolve(convolution, batch, in: &workspace) }
    for (index, layer) in weights.layers.enumerated() {
      workspace.magnitudes?.note(
        \.attention, ofLayer: index, workspace.states, rows: tokens)
      projectKeysAndValues(layer, tokens: tokens, in: &workspace)
      var queries = tokens
      if index == weights.layers.count - 1 && observe == nil {
        keepFirstTokens(of: batch, in: &workspace)
        queries = 0..<batch.count
      }
      plan(batch, firstTokensOnly: queries != tokens, in: &workspace)
      attend(layer, index, rows: queries, in: &workspace)
      feedForward(layer, index, rows: queries, in: &workspace)
      if index == 0, let convolution = weights.convolution {
        device.add(
          workspace.convolution.convolved, rows: tokens, to: &workspace.states, rows: tokens)
        device.normalize(&workspace.states, rows: tokens, convolution.norm)
      }
      observe?(index + 1, workspace.states.values(rows: queries))
    }
    if observe != nil { keepFirstTokens(of: batch, in: &workspace) }
    classify(sequences: 0..<batch.count, in: &workspace)
  }

  /// states = norm(word + position + type embeddings).
  private func embed(_ batch: TokenBatch, in workspace: inout Workspace) {
    let tokens = 0..<batch.tokens.count
    if let projection = weights.embeddingProjection {
      lookUp(batch, into: &workspace.embedded)
      device.apply(
        projection, to: workspace.embedded, rows: tokens, into: &workspace.states, rows: tokens)
    } else {
      lookUp(batch, into: &workspace.states)
    }
    device.normalize(&workspace.states, rows: tokens, weights.embeddingNorm)
  }

  private func lookUp(_ batch: TokenBatch, into embeddings: inout Matrix) {
    device.gather(weights.words, at: batch.tokens.span, into: &embeddings)
    guard weights.positions != nil || weights.types != nil else { return }
    var rows = embeddings.mutableValues
    let columns = shape.embedding
    for sequence in 0..<batch.count {
      let secondText = batch.secondText(of: sequence)
      for (position, token) in batch.range(of: sequence).enumerated() {
        if let positions = weights.positions {
          let row = shape.firstPosition + position
          for column in 0..<columns {
            rows[token * columns + column] += positions.values[row * columns + column]
          }
        }
        if let types = weights.types {
          let type = shape.tellsTextsApart && secondText.contains(token) ? 1 : 0
          for column in 0..<columns {
            rows[token * columns + column] += types.values[type * columns + column]
          }
        }
      }
    }
  }

  /// convolved = activation(convolution of the embeddings).
  private func convolve(
    _ convolution: ConvolutionWeights, _ batch: TokenBatch, in workspace: inout Workspace
  ) {
    guard let shape = shape.convolution else { return }
    batch.forConvolvedRows { sequence, rows in
      for group in convolution.groups {
        let window = ConvolutionWindow(
          sequence: sequence, rows: rows, columns: group.columns, taps: shape.taps)
        device.unfold(workspace.states, window, into: &workspace.convolution.patches)
        device.apply(
          group.map, to: workspace.convolution.patches, rows: 0..<rows.count,
          into: &workspace.convolution.group, rows: 0..<rows.count,
          finish: .biasAnd(shape.activation))
        device.place(
          workspace.convolution.group, window, into: &workspace.convolution.convolved)
      }
    }
  }

  private func projectKeysAndValues(
    _ layer: ModelWeights.Layer, tokens: Range<Int>, in workspace: inout Workspace
  ) {
    device.apply(
      layer.key, to: workspace.states, rows: tokens, into: &workspace.keys, rows: tokens,
      packing: &workspace.packed)
    device.apply(
      layer.value, to: workspace.states, rows: tokens, into: &workspace.values, rows: tokens,
      packing: &workspace.packed)
  }

  /// Moves the state of each sequence's first token to the row of the sequence's number: nothing
  /// after the last layer's keys and values reads another token.
  private func keepFirstTokens(of batch: TokenBatch, in workspace: inout Workspace) {
    var states = workspace.states.mutableValues
    for sequence in 0..<batch.count {
      let start = batch.range(of: sequence).lowerBound * shape.hidden
      for column in 0..<shape.hidden {
        states[sequence * shape.hidden + column] = states[start + column]
      }
    }
  }

  /// Cuts the queries into runs for the workers.
  private func plan(_ batch: TokenBatch, firstTokensOnly: Bool, in workspace: inout Workspace) {
    workspace.items.removeAll(keepingCapacity: true)
    var packedRow = 0
    for sequence in 0..<batch.count {
      let range = batch.range(of: sequence)
      let queries = firstTokensOnly ? 1 : range.count
      let firstRow = firstTokensOnly ? sequence : range.lowerBound
      for position in stride(from: 0, to: queries, by: AttentionItem.queriesMax) {
        workspace.items.append(
          AttentionItem(
            queryRow: firstRow + position, queryPosition: position,
            queries: min(AttentionItem.queriesMax, queries - position), keyRow: range.lowerBound,
            keys: range.count, packedRow: packedRow))
      }
      packedRow += AttentionItem.packedRows(range.count)
    }
  }

  /// states = norm(states + output map of attention), for some rows, one per query.
  private func attend(
    _ layer: ModelWeights.Layer, _ index: Int, rows: Range<Int>, in workspace: inout Workspace
  ) {
    device.apply(
      layer.query, to: workspace.states, rows: rows, into: &workspace.queries, rows: rows,
      packing: &workspace.packed)
    let scale = 1 / Float(shape.headSize * shape.scoreTerms).squareRoot()
    device.attend(
      CPUDevice.Heads(count: shape.heads, scale: scale), items: workspace.items,
      queries: workspace.queries, keys: workspace.keys, values: workspace.values,
      relative: layer.relative, slots: workspace.slots, scratch: &workspace.scratch,
      packing: &workspace.packedAttention, into: &workspace.context)
    workspace.magnitudes?.note(
      \.attentionOutput, ofLayer: index, workspace.context, rows: rows)
    device.apply(
      layer.attentionOutput, to: workspace.context, rows: rows, into: &workspace.queries,
      rows: rows, finish: .product, packing: &workspace.packed)
    device.addNormalize(
      &workspace.states, addend: workspace.queries, rows: rows, biasOf: layer.attentionOutput,
      layer.attentionNorm)
  }

  /// states = norm(states + contraction of gelu of expansion of states).
  private func feedForward(
    _ layer: ModelWeights.Layer, _ index: Int, rows: Range<Int>, in workspace: inout Workspace
  ) {
    workspace.magnitudes?.note(\.expansion, ofLayer: index, workspace.states, rows: rows)
    for start in stride(from: 0, to: rows.count, by: Workspace.expandedRows) {
      let some = start..<min(start + Workspace.expandedRows, rows.count)
      device.apply(
        layer.expansion, to: workspace.states, rows: some, into: &workspace.expanded,
        rows: 0..<some.count, finish: .biasAnd(.gelu), packing: &workspace.packed)
      workspace.magnitudes?.note(
        \.contraction, ofLayer: index, workspace.expanded, rows: 0..<some.count)
      device.apply(
        layer.contraction, to: workspace.expanded, rows: 0..<some.count, into: &workspace.keys,
        rows: some, finish: .product, packing: &workspace.packed)
      device.addNormalize(
        &workspace.states, addend: workspace.keys, rows: some, biasOf: layer.contraction,
        layer.outputNorm)
    }
  }

  /// logits = classifier(activation(pooler(first tokens' states))).
  private func classify(sequences: Range<Int>, in workspace: inout Workspace) {
    device.apply(
      weights.pooler, to: workspace.states, rows: sequences, into: &workspace.queries,
      rows: sequences, finish: .biasAnd(shape.poolerActivation))
    device.apply(
      weights.classifier, to: workspace.queries, rows: sequences, into: &workspace.logits,
      rows: sequences)
  }
}
