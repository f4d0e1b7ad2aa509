internal import CudaDevice
internal import DeBERTa

/// Gives the forward pass over one batch to a stream.
struct DeviceEncoder {
  let shape: ModelConfiguration
  let weights: DeviceWeights
  let kernels: DeviceKernels
  let products: DeviceProducts
  let workspace: DeviceWorkspace
  var stream: CudaStream
  /// Is told when a step ends; nil when nobody measures.
  var recorder: StepRecorder?

  private var hidden: Int { shape.hidden }

  /// Leaves the logits of every sequence in the workspace, from the integers that are there.
  func run(_ batch: BatchShape) throws(CudaFailure) {
    try embed(tokens: batch.tokens, positions: at(batch.positionsStart))
    try recorder?.mark(.embedding)
    for (index, layer) in weights.layers.dropLast().enumerated() {
      try products.multiply(
        layer.projections, layer.isNarrow ? workspace.narrowStates : workspace.states,
        rows: batch.tokens, into: workspace.projections, addsBias: true, on: stream)
      try recorder?.mark(.projections)
      let parts = (0..<3).map { workspace.projections.advanced(byBytes: 2 * $0 * hidden) }
      try attend(
        layer, queries: parts[0], keys: parts[1], values: parts[2], queryStride: 3 * hidden,
        keyStride: 3 * hidden, tiles: at(batch.tilesStart), count: batch.tiles)
      try finish(
        layer, states: workspace.states, rows: batch.tokens,
        narrowsResult: weights.layers[index + 1].isNarrow)
    }
    if let last = weights.layers.last { try run(last: last, batch) }
    try classify(sequences: batch.sequences)
  }

  /// Computes products of all sizes that batches may have, on whatever is in memory, so that the
  /// best way to do each is known. The first layer stands for all others but the last.
  func tryProducts() throws(CudaFailure) {
    guard products.isSearching, let first = weights.layers.first, let last = weights.layers.last
    else { return }
    for rows in DenseProduct.searchedRows(upTo: workspace.tokensMax)
    where rows <= workspace.tokensMax {
      // A last layer in other numbers than the first has products of its own.
      for layer in first.isNarrow == last.isNarrow ? [first] : [first, last] {
        for (map, input, output, addsBias) in [
          (layer.projections, workspace.states, workspace.projections, true),
          (layer.attentionOutput, workspace.context, workspace.addend, false),
          (layer.expansion, workspace.states, workspace.expanded, false),
          (layer.contraction, workspace.expanded, workspace.addend, false),
        ] {
          try products.multiply(
            map, input, rows: rows, into: output, addsBias: addsBias, on: stream)
        }
      }
      try products.multiply(
        last.projections.outputs(hidden..<3 * hidden), workspace.states, rows: rows,
        into: workspace.projections, addsBias: true, on: stream)
    }
    try stream.finish()
  }

  /// A place in the integers of the batch.
  private func at(_ integer: Int) -> DeviceAddress {
    workspace.integers.advanced(byBytes: 4 * integer)
  }

  /// states = norm(words + positions + type), through a projection where the sizes differ.
  private func embed(tokens: Int, positions: DeviceAddress) throws(CudaFailure) {
    let projection = weights.embeddingProjection
    let norm = weights.embeddingNorm
    let columns = shape.embedding
    let isNarrow = weights.layers.first?.isNarrow ?? false
    try stream.launch(
      kernels.embedding, grid: (Self.rowBlocks(tokens), 1), threads: DeviceKernels.rowThreads,
      [
        .address(workspace.integers), .address(positions), .address(weights.words),
        .address(weights.positions), .address(weights.type),
        .address(projection == nil ? norm.scale : .none),
        .address(projection == nil ? norm.shift : .none), .float(norm.epsilon),
        .address(projection == nil ? workspace.states : workspace.embedded),
        .address(projection == nil ? narrowStates(ifNeeded: isNarrow) : .none), .int32(tokens),
        .int32(columns),
      ])
    guard let projection else { return }
    try products.multiply(
      projection, workspace.embedded, rows: tokens, into: workspace.states, addsBias: false,
      on: stream)
    try normalize(
      workspace.states, addend: .none, bias: .none, norm, rows: tokens, narrowsResult: isNarrow)
  }

  /// Where 8-bit states go that a layer reads.
  private func narrowStates(ifNeeded isNeeded: Bool) -> DeviceAddress {
    isNeeded ? workspace.narrowStates : .none
  }

  /// The last layer computes only what the classifier reads: the first token of each sequence.
  private func run(
    last layer: DeviceWeights.Layer, _ batch: BatchShape
  ) throws(CudaFailure) {
    try products.multiply(
      layer.projections.outputs(hidden..<3 * hidden), workspace.states, rows: batch.tokens,
      into: workspace.projections, addsBias: true, on: stream)
    try stream.launch(
      kernels.firstTokens, grid: (batch.sequences, 1), threads: 128,
      [
        .address(workspace.states), .address(at(batch.firstsStart)), .address(workspace.firsts),
        .int32(hidden),
      ])
    try products.multiply(
      layer.projections.outputs(0..<hidden), workspace.firsts, rows: batch.sequences,
      into: workspace.firstQueries, addsBias: true, on: stream)
    try recorder?.mark(.projections)
    try attend(
      layer, queries: workspace.firstQueries, keys: workspace.projections,
      values: workspace.projections.advanced(byBytes: 2 * hidden), queryStride: hidden,
      keyStride: 2 * hidden, tiles: at(batch.lastTilesStart), count: batch.sequences)
    try finish(layer, states: workspace.firsts, rows: batch.sequences, narrowsResult: false)
  }

  /// context = softmax(scores) · values, for the queries of the tiles.
  private func attend(
    _ layer: DeviceWeights.Layer, queries: DeviceAddress, keys: DeviceAddress,
    values: DeviceAddress, queryStride: Int, keyStride: Int, tiles: DeviceAddress, count: Int
  ) throws(CudaFailure) {
    // AttentionArguments in attention.cu.
    let arguments = KernelStructure(
      addresses: [
        queries, keys, values, layer.relativeKeys, layer.relativeQueries, weights.slots, tiles,
        workspace.context, layer.isNarrow ? workspace.narrowContext : .none,
      ],
      integers: [
        queryStride, keyStride, hidden, hidden, weights.slotCount, weights.reach,
      ], floats: [weights.attentionScale])
    try stream.launch(
      kernels.attention, grid: (count, shape.heads), threads: 2 * kernels.attentionTile,
      sharedBytes: kernels.attentionSharedBytes, [.structure(arguments)])
    try recorder?.mark(.attention)
  }

  /// What follows attention in a layer: output map, feed-forward, both norms.
  private func finish(
    _ layer: DeviceWeights.Layer, states: DeviceAddress, rows: Int, narrowsResult: Bool
  ) throws(CudaFailure) {
    let isNarrow = layer.isNarrow
    try products.multiply(
      layer.attentionOutput, isNarrow ? workspace.narrowContext : workspace.context, rows: rows,
      into: workspace.addend, addsBias: false, on: stream)
    try recorder?.mark(.attentionOutput)
    try normalize(
      states, addend: workspace.addend, bias: layer.attentionOutput.bias, layer.attentionNorm,
      rows: rows, narrowsResult: isNarrow)
    try recorder?.mark(.normalization)
    try products.multiply(
      layer.expansion, isNarrow ? workspace.narrowStates : states, rows: rows,
      into: workspace.expanded, addsBias: false, on: stream)
    try recorder?.mark(.expansion)
    let narrowExpanded = isNarrow ? workspace.narrowExpanded : .none
    try activate(
      workspace.expanded, bias: layer.expansion.bias, to: narrowExpanded, rows, shape.intermediate)
    try recorder?.mark(.activation)
    try products.multiply(
      layer.contraction, isNarrow ? narrowExpanded : workspace.expanded, rows: rows,
      into: workspace.addend, addsBias: false, on: stream)
    try recorder?.mark(.contraction)
    try normalize(
      states, addend: workspace.addend, bias: layer.contraction.bias, layer.outputNorm, rows: rows,
      narrowsResult: narrowsResult)
    try recorder?.mark(.normalization)
  }

  /// Blocks of a kernel whose warps own a row each.
  private static func rowBlocks(_ rows: Int) -> Int {
    (rows + DeviceKernels.rowsPerBlock - 1) / DeviceKernels.rowsPerBlock
  }

  /// states = norm(states + addend + bias).
  private func normalize(
    _ states: DeviceAddress, addend: DeviceAddress, bias: DeviceAddress,
    _ norm: DeviceNormalization, rows: Int, narrowsResult: Bool
  ) throws(CudaFailure) {
    try stream.launch(
      kernels.normalization, grid: (Self.rowBlocks(rows), 1), threads: DeviceKernels.rowThreads,
      [
        .address(states), .address(addend), .address(bias), .address(norm.scale),
        .address(norm.shift), .float(norm.epsilon), .address(states),
        .address(narrowStates(ifNeeded: narrowsResult)), .int32(rows), .int32(hidden),
      ])
  }

  /// values = gelu(values + bias), or `quarters` in 8 bits instead.
  private func activate(
    _ values: DeviceAddress, bias: DeviceAddress, to quarters: DeviceAddress = .none, _ rows: Int,
    _ columns: Int
  ) throws(CudaFailure) {
    try stream.launch(
      kernels.activation, grid: (rows, (columns + 2047) / 2048), threads: 256,
      [.address(values), .address(bias), .address(quarters), .int32(columns)])
  }

  /// logits = classifier(gelu(pooler(states of first tokens))).
  private func classify(sequences: Int) throws(CudaFailure) {
    try products.multiply(
      weights.pooler, workspace.firsts, rows: sequences, into: workspace.firstQueries,
      addsBias: false, on: stream)
    try activate(workspace.firstQueries, bias: weights.pooler.bias, sequences, hidden)
    try stream.launch(
      kernels.classifier, grid: (sequences, 2), threads: 32,
      [
        .address(workspace.firstQueries), .address(weights.classifierWeight),
        .address(weights.classifierBias), .address(workspace.logits), .int32(hidden),
      ])
  }
}
