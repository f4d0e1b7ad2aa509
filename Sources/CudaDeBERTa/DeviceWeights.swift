internal import CudaDevice
internal import DeBERTa
internal import Tensors

/// A dense map on a device: x (rows, inputs) becomes x · weightᵀ + bias.
struct DeviceLinear: Sendable {
  /// (outputs, inputs), 16-bit numbers, or 8-bit ones where there is a scale.
  let weight: DeviceAddress
  /// What 8-bit weights are to be multiplied by: a 32-bit float; none for 16-bit ones.
  let weightScale: DeviceAddress
  /// (outputs), 32-bit floats; none without one.
  let bias: DeviceAddress
  /// (outputs), in the engine's precision, where a product adds it.
  let roundedBias: DeviceAddress
  let inputs: Int
  let outputs: Int

  /// The map to a range of the outputs.
  func outputs(_ range: Range<Int>) -> DeviceLinear {
    DeviceLinear(
      weight: weight.advanced(
        byBytes: (weightScale == .none ? 2 : 1) * range.lowerBound * inputs),
      weightScale: weightScale,
      bias: bias == .none ? .none : bias.advanced(byBytes: 4 * range.lowerBound),
      roundedBias: roundedBias == .none
        ? .none : roundedBias.advanced(byBytes: 2 * range.lowerBound),
      inputs: inputs, outputs: range.count)
  }
}

/// A normalization on a device: both (columns), 32-bit floats.
struct DeviceNormalization: Sendable {
  let scale: DeviceAddress
  let shift: DeviceAddress
  let epsilon: Float
}

/// A model's weights in the memory of a device.
struct DeviceWeights: Sendable {
  /// (vocabulary, embedding).
  let words: DeviceAddress
  /// (positions, embedding), or none.
  let positions: DeviceAddress
  /// The embedding of type 0, which every token has, or none.
  let type: DeviceAddress
  let embeddingProjection: DeviceLinear?
  let embeddingNorm: DeviceNormalization
  let layers: [Layer]
  let pooler: DeviceLinear
  /// (2, hidden) and (2), 32-bit floats.
  let classifierWeight: DeviceAddress
  let classifierBias: DeviceAddress
  /// The slot of each distance, 16-bit integers, and the largest distance.
  let slots: DeviceAddress
  let reach: Int
  /// Rows of the relative tables.
  let slotCount: Int
  /// What scores are multiplied by, with log2(e): the softmax is computed with powers of two.
  let attentionScale: Float
  /// Keeps all of them allocated.
  private let memory: [DeviceMemory]

  struct Layer: Sendable {
    /// Its dense products read 8-bit numbers.
    let isNarrow: Bool
    /// hidden to queries, keys and values, one after the other.
    let projections: DeviceLinear
    /// (slots, hidden), times `attentionScale`; zeros without the term.
    let relativeKeys: DeviceAddress
    let relativeQueries: DeviceAddress
    let attentionOutput: DeviceLinear
    let attentionNorm: DeviceNormalization
    let expansion: DeviceLinear
    let contraction: DeviceLinear
    let outputNorm: DeviceNormalization
  }

  /// Copies the weights, rounded to the precision of the kernels.
  init(
    _ weights: ModelWeights, of shape: ModelConfiguration, distances: DistanceSlots,
    precision: Precision, kernels: DeviceKernels, in context: CudaContext
  ) throws(CudaFailure) {
    let uploader = try WeightUploader(
      conversion: kernels.conversion, narrowing: kernels.narrowing, in: context)
    words = try uploader.rounded([weights.words])
    positions = try uploader.rounded(weights.positions.map { [$0] } ?? [])
    type = try uploader.rounded(weights.types.map { [$0] } ?? [], rows: 1)
    embeddingProjection = try weights.embeddingProjection.map { (map) throws(CudaFailure) in
      try DeviceLinear([map], uploader)
    }
    embeddingNorm = try DeviceNormalization(weights.embeddingNorm, uploader)
    slotCount = distances.count
    let attentionScale =
      1.4426950408889634 / Float(shape.headSize * shape.scoreTerms).squareRoot()
    self.attentionScale = attentionScale
    // Models without a term of the bias are rare: they add zeros.
    let noTerm = try uploader.zeros(bytes: 2 * slotCount * shape.hidden)
    var layers: [Layer] = []
    for (index, layer) in weights.layers.enumerated() {
      // Few rows of the last layer are computed, and what they lose is not made good by later ones.
      let isNarrow = precision.isNarrow && index < weights.layers.count - 1
      layers.append(
        try Layer(layer, isNarrow: isNarrow, scale: attentionScale, noTerm: noTerm, uploader))
    }
    self.layers = layers
    pooler = try DeviceLinear([weights.pooler], uploader)
    classifierWeight = try uploader.exact([weights.classifier.weight])
    classifierBias = try uploader.exact(weights.classifier.bias.map { [$0] } ?? [])
    reach = distances.reach
    slots = try uploader.numbers(distances.slots)
    memory = uploader.memory
  }
}

extension DeviceWeights.Layer {
  fileprivate init(
    _ layer: ModelWeights.Layer, isNarrow: Bool, scale: Float, noTerm: DeviceAddress,
    _ uploader: WeightUploader
  ) throws(CudaFailure) {
    self.isNarrow = isNarrow
    projections = try DeviceLinear(
      [layer.query, layer.key, layer.value], isNarrow: isNarrow, uploader)
    func table(_ parameter: Parameter?) throws(CudaFailure) -> DeviceAddress {
      guard let parameter else { return noTerm }
      return try uploader.rounded([parameter], scale: scale)
    }
    relativeKeys = try table(layer.relative.keys)
    relativeQueries = try table(layer.relative.queries)
    attentionOutput = try DeviceLinear([layer.attentionOutput], isNarrow: isNarrow, uploader)
    attentionNorm = try DeviceNormalization(layer.attentionNorm, uploader)
    expansion = try DeviceLinear([layer.expansion], isNarrow: isNarrow, uploader)
    contraction = try DeviceLinear([layer.contraction], isNarrow: isNarrow, uploader)
    outputNorm = try DeviceNormalization(layer.outputNorm, uploader)
  }
}

extension DeviceLinear {
  /// Maps of the same inputs, their outputs one after the other.
  fileprivate init(
    _ maps: [Linear], isNarrow: Bool = false, _ uploader: WeightUploader
  ) throws(CudaFailure) {
    let weights = maps.map(\.weight)
    if isNarrow {
      (weight, weightScale) = try uploader.narrowed(weights)
    } else {
      (weight, weightScale) = (try uploader.rounded(weights), .none)
    }
    let biases = maps.compactMap(\.bias)
    bias = try uploader.exact(biases)
    roundedBias = try uploader.rounded(biases)
    inputs = maps[0].inputs
    outputs = maps.reduce(0) { $0 + $1.outputs }
  }
}

extension DeviceNormalization {
  fileprivate init(
    _ normalization: Normalization, _ uploader: WeightUploader
  ) throws(CudaFailure) {
    scale = try uploader.exact([normalization.scale])
    shift = try uploader.exact([normalization.shift])
    epsilon = normalization.epsilon
  }
}
