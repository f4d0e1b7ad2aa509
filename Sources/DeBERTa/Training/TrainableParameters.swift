package import Tensors

/// The weights of a model in training, and their gradients.
package final class TrainableParameters {
  /// Names and places.
  package let layout: ParameterLayout
  /// All weights, as `layout` places them.
  package let weights: FloatArena
  /// Gradients of all weights but the words, whose floats the layout places first: the gradient of
  /// float i is at i - `layout.wordFloats`.
  package let gradients: FloatArena
  /// Gradients of the words that occurred.
  package let words: SparseRows

  /// Zeros.
  package init(layout: ParameterLayout) {
    self.layout = layout
    weights = FloatArena(count: layout.count)
    gradients = FloatArena(count: layout.count - layout.wordFloats)
    let shape = layout.entries[0].shape
    words = SparseRows(rows: shape[0], columns: shape[1])
  }

  /// A weight as operations read it.
  func parameter(_ name: String) -> Parameter { tensor(name).parameter }

  /// A weight's floats.
  package func tensor(_ name: String) -> ArenaTensor {
    let entry = entry(name)
    return ArenaTensor(arena: weights, offset: entry.offset, shape: entry.shape)
  }

  /// The gradient of any weight but the words.
  package func gradient(_ name: String) -> ArenaTensor {
    let entry = entry(name)
    precondition(entry.offset >= layout.wordFloats, "the words' gradient is sparse")
    return ArenaTensor(
      arena: gradients, offset: entry.offset - layout.wordFloats, shape: entry.shape)
  }

  /// Forgets all gradients.
  package func clearGradients() {
    gradients.setZero()
    words.clear()
  }

  func linear(_ name: String) -> TrainableLinear {
    let bias = layout.entry(name + ".bias")
    return TrainableLinear(
      map: Linear(
        weight: parameter(name + ".weight"), bias: bias.map { parameter($0.name) }),
      gradient: LinearGradient(
        weight: gradient(name + ".weight"), bias: bias.map { gradient($0.name) }))
  }

  func norm(_ name: String, epsilon: Float) -> TrainableNormalization {
    TrainableNormalization(
      norm: Normalization(
        scale: parameter(name + ".weight"), shift: parameter(name + ".bias"), epsilon: epsilon),
      gradient: NormalizationGradient(
        scale: gradient(name + ".weight"), shift: gradient(name + ".bias")))
  }

  private func entry(_ name: String) -> ParameterLayout.Entry {
    guard let entry = layout.entry(name) else { preconditionFailure("no weight \(name)") }
    return entry
  }
}

/// A linear map with its gradients.
struct TrainableLinear {
  let map: Linear
  let gradient: LinearGradient
}

/// A normalisation with its gradients.
struct TrainableNormalization {
  let norm: Normalization
  let gradient: NormalizationGradient
}

/// One encoder layer with its gradients.
struct TrainableLayer {
  let query: TrainableLinear
  let key: TrainableLinear
  let value: TrainableLinear
  /// Makes keys of relative positions, nil without the content-to-position term.
  let positionKey: TrainableLinear?
  /// Makes queries of relative positions, nil without the position-to-content term.
  let positionQuery: TrainableLinear?
  let attentionOutput: TrainableLinear
  let attentionNorm: TrainableNormalization
  let expansion: TrainableLinear
  let contraction: TrainableLinear
  let outputNorm: TrainableNormalization

  init(_ parameters: TrainableParameters, index: Int, shape: ModelConfiguration) {
    let name = ParameterLayout.layerPrefix(index, of: shape.backbone)
    let attention = name + "attention.self."
    let maps = shape.backbone.attentionMaps
    query = parameters.linear(attention + maps.query)
    key = parameters.linear(attention + maps.key)
    value = parameters.linear(attention + maps.value)
    let shares = shape.relative?.sharesProjections ?? false
    positionKey =
      shape.relative?.contentToPosition != true
      ? nil : shares ? key : parameters.linear(attention + "pos_key_proj")
    positionQuery =
      shape.relative?.positionToContent != true
      ? nil : shares ? query : parameters.linear(attention + "pos_query_proj")
    attentionOutput = parameters.linear(name + "attention.output.dense")
    attentionNorm = parameters.norm(
      name + "attention.output.LayerNorm", epsilon: shape.normEpsilon)
    expansion = parameters.linear(name + "intermediate.dense")
    contraction = parameters.linear(name + "output.dense")
    outputNorm = parameters.norm(name + "output.LayerNorm", epsilon: shape.normEpsilon)
  }
}
