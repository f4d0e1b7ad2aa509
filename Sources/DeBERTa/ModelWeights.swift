package import Tensors

/// Every weight of a model, named as in the paper and shaped as PyTorch saves it.
package struct ModelWeights: Sendable {
  /// (vocabulary, embedding).
  package let words: Parameter
  /// (positions, embedding), where the model has absolute positions.
  package let positions: Parameter?
  /// (types, embedding), where the model has token types.
  package let types: Parameter?
  /// embedding to hidden, where the two differ.
  package let embeddingProjection: Linear?
  package let embeddingNorm: Normalization
  /// Beside the first layer, where the model has one.
  let convolution: ConvolutionWeights?
  package private(set) var layers: [Layer]
  /// hidden to hidden, on the first token's state.
  package let pooler: Linear
  /// hidden to a logit for each label; of two labels the safe one comes first.
  package let classifier: Linear

  /// One encoder layer.
  package struct Layer: Sendable {
    package let query: Linear
    package let key: Linear
    package let value: Linear
    package let relative: RelativeTables
    package let attentionOutput: Linear
    package let attentionNorm: Normalization
    /// hidden to intermediate.
    package let expansion: Linear
    /// intermediate to hidden.
    package let contraction: Linear
    package let outputNorm: Normalization
  }

  /// Reads the weights and computes the relative tables of all layers, once for every batch.
  package init(
    folder: ModelFolder, labels: LabelScheme, device: CPUDevice
  ) throws(ModelError) {
    let shape = folder.configuration
    words = try folder.parameter(
      "embeddings.word_embeddings.weight", [shape.vocabulary, shape.embedding])
    positions =
      if let rows = shape.positionRows {
        try folder.parameter("embeddings.position_embeddings.weight", [rows, shape.embedding])
      } else { nil }
    types =
      shape.tokenTypes == 0
      ? nil
      : try folder.parameter(
        "embeddings.token_type_embeddings.weight", [shape.tokenTypes, shape.embedding])
    embeddingProjection =
      shape.embedding == shape.hidden
      ? nil
      : Linear(
        weight: try folder.parameter(
          "embeddings.embed_proj.weight", [shape.hidden, shape.embedding]), bias: nil)
    embeddingNorm = try folder.norm("embeddings.LayerNorm")
    convolution = try shape.convolution.map { (convolution) throws(ModelError) in
      try ConvolutionWeights(convolution, folder: folder)
    }
    guard folder.hasClassifier else {
      throw ModelError(folder.weightFile, .noClassifier)
    }
    let table = try RelativeTable(folder: folder, device: device)
    var layers: [Layer] = []
    for index in 0..<shape.layers {
      layers.append(try Layer(folder: folder, index: index, table: table, device: device))
    }
    self.layers = layers
    let backbone = shape.backbone
    pooler = try folder.linear(
      backbone.bare(backbone.pooler), from: shape.hidden, to: shape.hidden)
    let head = try folder.linear(backbone.classifier, from: shape.hidden, to: labels.names.count)
    classifier = labels == labels.inOrder ? head : head.reversed
  }
}

extension ModelWeights {
  /// The same model, whose layers multiply narrower numbers; pooler and classifier stay as they
  /// are. Where the processor multiplies 16-bit floats fast, either format has them in attention,
  /// and bytes have them where they cost most accuracy: in the contractions of the first half of
  /// the layers, whose inputs GELU leaves far apart.
  func packed(
    as format: ProductFormat, magnitudes: InputMagnitudes?, heads: Int, on pool: WorkerPool
  ) -> ModelWeights {
    var result = self
    let hasHalves = ProductFormat.bf16.isFast
    for (index, layer) in layers.enumerated() {
      let inputs = magnitudes?.layers[index]
      func packed(_ map: Linear, _ magnitudes: [Float]?) -> Linear {
        map.packed(as: format, magnitudes: magnitudes, on: pool)
      }
      let contraction =
        hasHalves && 2 * index < layers.count
        ? layer.contraction.packed(as: .bf16, on: pool)
        : packed(layer.contraction, inputs?.contraction)
      result.layers[index] = Layer(
        query: packed(layer.query, inputs?.attention), key: packed(layer.key, inputs?.attention),
        value: packed(layer.value, inputs?.attention),
        relative: hasHalves
          ? layer.relative.packed(heads: heads, on: pool) : layer.relative,
        attentionOutput: packed(layer.attentionOutput, inputs?.attentionOutput),
        attentionNorm: layer.attentionNorm,
        expansion: packed(layer.expansion, inputs?.expansion),
        contraction: contraction, outputNorm: layer.outputNorm)
    }
    return result
  }
}

extension ModelWeights.Layer {
  fileprivate init(
    folder: ModelFolder, index: Int, table: borrowing RelativeTable, device: CPUDevice
  ) throws(ModelError) {
    let name = "encoder.layer.\(index)."
    let hidden = folder.configuration.hidden
    let intermediate = folder.configuration.intermediate
    let attention = name + "attention.self."
    let maps = folder.configuration.backbone.attentionMaps
    query = try folder.linear(attention + maps.query, from: hidden, to: hidden)
    key = try folder.linear(attention + maps.key, from: hidden, to: hidden)
    value = try folder.linear(attention + maps.value, from: hidden, to: hidden)
    relative = try table.projected(
      folder: folder, attention: attention, query: query, key: key, device: device)
    attentionOutput = try folder.linear(name + "attention.output.dense", from: hidden, to: hidden)
    attentionNorm = try folder.norm(name + "attention.output.LayerNorm")
    expansion = try folder.linear(name + "intermediate.dense", from: hidden, to: intermediate)
    contraction = try folder.linear(name + "output.dense", from: intermediate, to: hidden)
    outputNorm = try folder.norm(name + "output.LayerNorm")
  }
}

/// The table of relative positions (2·span, hidden), normalised if the model says so.
private struct RelativeTable: ~Copyable {
  private let relative: ModelConfiguration.Relative?
  private let table: Matrix

  init(folder: ModelFolder, device: CPUDevice) throws(ModelError) {
    relative = folder.configuration.relative
    guard let relative else {
      table = Matrix(rows: 0, columns: 0)
      return
    }
    let hidden = folder.configuration.hidden
    let rows = 2 * relative.span
    let weight = try folder.parameter("encoder.rel_embeddings.weight", [rows, hidden])
    // Each layer derives two tables as large as this one. Headers that would make them larger
    // than the weights themselves come from no real model.
    let (bytes, overflow) = (rows * hidden * 8).multipliedReportingOverflow(
      by: folder.configuration.layers)
    guard !overflow && bytes <= folder.weightBytes else {
      throw ModelError(File.configuration, .tablesTooLarge)
    }
    var table = Matrix(rows: rows, columns: hidden)
    var values = table.mutableValues
    for index in values.indices { values[index] = weight.values[index] }
    if relative.isNormalized {
      device.normalize(&table, rows: 0..<rows, try folder.norm("encoder.LayerNorm"))
    }
    self.table = table
  }

  /// One layer's tables: through its own key and query maps, or through those of positions.
  func projected(
    folder: ModelFolder, attention: String, query: Linear, key: Linear, device: CPUDevice
  ) throws(ModelError) -> RelativeTables {
    guard let relative else { return RelativeTables(keys: nil, queries: nil) }
    let hidden = folder.configuration.hidden
    var keys: Parameter?
    if relative.contentToPosition {
      let map =
        relative.sharesProjections
        ? key : try folder.linear(attention + "pos_key_proj", from: hidden, to: hidden)
      keys = project(through: map, device: device)
    }
    var queries: Parameter?
    if relative.positionToContent {
      let map =
        relative.sharesProjections
        ? query : try folder.linear(attention + "pos_query_proj", from: hidden, to: hidden)
      queries = project(through: map, device: device)
    }
    return RelativeTables(keys: keys, queries: queries)
  }

  private func project(through map: Linear, device: CPUDevice) -> Parameter {
    var result = Matrix(rows: table.rows, columns: map.outputs)
    device.apply(map, to: table, rows: 0..<table.rows, into: &result, rows: 0..<table.rows)
    return Parameter(result)
  }
}

extension ModelFolder {
  fileprivate func linear(
    _ name: String, from inputs: Int, to outputs: Int
  ) throws(ModelError) -> Linear {
    Linear(
      weight: try parameter(name + ".weight", [outputs, inputs]),
      bias: try parameter(name + ".bias", [outputs]))
  }

  func norm(_ name: String) throws(ModelError) -> Normalization {
    Normalization(
      scale: try parameter(name + ".weight", [configuration.hidden]),
      shift: try parameter(name + ".bias", [configuration.hidden]),
      epsilon: configuration.normEpsilon)
  }
}
