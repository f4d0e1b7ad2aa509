internal import Basics
import Glibc
package import Tensors

/// A classifier in training: logits of packed batches, and gradients of every weight.
///
/// One step is `beginStep`, any number of `accumulate`, then `endStep`; after it the gradients are
/// complete and an optimizer may change the weights. Use from one thread.
package final class TrainableModel {
  /// The switches of the model.
  package let configuration: ModelConfiguration
  /// Weights and gradients.
  package let parameters: TrainableParameters
  let device: CPUDevice
  let layers: [TrainableLayer]
  let embeddingProjection: TrainableLinear?
  let embeddingNorm: TrainableNormalization
  let relativeNorm: TrainableNormalization?
  let convolution: TrainableConvolution?
  let pooler: TrainableLinear
  let classifier: TrainableLinear
  let memory: TrainingMemory
  /// Which of the classifier's two rows is the unsafe label's.
  var unsafeRow = 1
  /// Each layer's keys and queries of relative positions, of the present step.
  var relativeTables: [RelativeTables] = []
  let relativeGradients: [RelativeGradients]
  /// Whether each layer's forward pass is computed again in its backward pass, which needs the
  /// memory of one layer instead of all.
  package let recomputesActivations: Bool

  /// A model of zeros; see the two ways below to give it weights.
  init(
    configuration: ModelConfiguration, pool: WorkerPool, recomputesActivations: Bool,
    precision: TrainingPrecision
  ) {
    self.configuration = configuration
    self.recomputesActivations = recomputesActivations
    device = CPUDevice(pool: pool, training: precision)
    let parameters = TrainableParameters(layout: ParameterLayout(configuration))
    self.parameters = parameters
    layers = (0..<configuration.layers).map {
      TrainableLayer(parameters, index: $0, shape: configuration)
    }
    let prefix = configuration.backbone.prefix
    let embeddings = prefix + "embeddings."
    embeddingProjection =
      configuration.embedding == configuration.hidden
      ? nil : parameters.linear(embeddings + "embed_proj")
    convolution = configuration.convolution.map {
      TrainableConvolution($0, parameters, of: configuration)
    }
    let epsilon = configuration.normEpsilon
    embeddingNorm = parameters.norm(embeddings + "LayerNorm", epsilon: epsilon)
    relativeNorm =
      configuration.relative?.isNormalized == true
      ? parameters.norm(prefix + "encoder.LayerNorm", epsilon: epsilon) : nil
    pooler = parameters.linear(configuration.backbone.pooler)
    classifier = parameters.linear(configuration.backbone.classifier)
    let slots = configuration.relative.map { 2 * $0.span } ?? 0
    relativeGradients = (0..<configuration.layers).map { _ in
      RelativeGradients(slots: slots, hidden: configuration.hidden)
    }
    memory = TrainingMemory(layers: configuration.layers, recomputes: recomputesActivations)
  }

  /// A copy of the model in `folder`. Where that has an encoder only, pooler or classifier are new,
  /// drawn with `seed`.
  ///
  /// - Parameters:
  ///   - unsafeLabels: the unsafe label, where the names do not tell; else empty.
  ///   - precision: what linear maps multiply.
  package convenience init(
    folder path: String, unsafeLabels: [String] = [], pool: WorkerPool,
    recomputesActivations: Bool = false, precision: TrainingPrecision = .fp32, seed: UInt64 = 0
  ) throws(ModelError) {
    let folder = try ModelFolder(path: path)
    let unsafeRow = try Self.unsafeRow(of: try folder.labelScheme(chosen: unsafeLabels))
    self.init(
      configuration: folder.configuration, pool: pool,
      recomputesActivations: recomputesActivations, precision: precision)
    try folder.checkNumbers(on: pool)
    self.unsafeRow = unsafeRow
    var normal = NormalNumbers(seed: seed)
    for entry in parameters.layout.entries {
      let name = folder.configuration.backbone.bare(entry.name)
      let map = name.hasSuffix(".bias") ? name.dropLast(5) + ".weight" : name
      if entry.part == .head, !folder.has(map) {
        draw(entry, from: &normal, deviation: Self.usualDeviation)
        continue
      }
      let values = try folder.parameter(name, entry.shape)
      parameters.weights.withMutableValues(entry.range) { floats in
        for index in floats.indices { floats[index] = values.values[index] }
      }
    }
  }

  /// A new model: weights from a normal distribution of that deviation (`initializer_range`),
  /// biases 0, normalisations 1.
  package convenience init(
    configuration: ModelConfiguration, seed: UInt64, deviation: Float = usualDeviation,
    pool: WorkerPool, recomputesActivations: Bool = false, precision: TrainingPrecision = .fp32
  ) {
    self.init(
      configuration: configuration, pool: pool, recomputesActivations: recomputesActivations,
      precision: precision)
    var normal = NormalNumbers(seed: seed)
    for entry in parameters.layout.entries { draw(entry, from: &normal, deviation: deviation) }
  }

  /// A new model with the switches and labels of the one in `folder`, which may have no weights.
  ///
  /// - Parameter unsafeLabels: the unsafe label, where the names do not tell; else empty.
  package convenience init(
    newLike folder: String, unsafeLabels: [String], seed: UInt64, pool: WorkerPool,
    recomputesActivations: Bool, precision: TrainingPrecision = .fp32
  ) throws(ModelError) {
    let configuration = try ModelFolder.configuration(in: folder)
    let labels = try configuration.labelScheme(rows: nil, chosen: unsafeLabels)
    let unsafeRow = try Self.unsafeRow(of: labels)
    self.init(
      configuration: configuration, seed: seed, pool: pool,
      recomputesActivations: recomputesActivations, precision: precision)
    self.unsafeRow = unsafeRow
  }

  /// Of two labels that exclude each other, the only ones that are trained, the unsafe one.
  private static func unsafeRow(of labels: LabelScheme) throws(ModelError) -> Int {
    guard labels.isBinary else {
      throw ModelError(File.configuration, .unsupportedSetting("id2label", value: labels.summary))
    }
    return labels.unsafe[0]
  }

  /// `initializer_range` of most models.
  package static let usualDeviation: Float = 0.02

  private func draw(
    _ entry: ParameterLayout.Entry, from normal: inout NormalNumbers, deviation: Float
  ) {
    parameters.weights.withMutableValues(entry.range) { floats in
      for index in floats.indices {
        floats[index] =
          entry.decays
          ? normal.next() * deviation : entry.name.hasSuffix("LayerNorm.weight") ? 1 : 0
      }
    }
  }

  /// Starts a step: gradients are zero, and what depends on weights alone is computed.
  package func beginStep() {
    parameters.clearGradients()
    prepareRelativeTables()
    for gradients in relativeGradients {
      device.setZero(&gradients.keys, rows: 0..<gradients.keys.rows)
      device.setZero(&gradients.queries, rows: 0..<gradients.queries.rows)
    }
  }

  /// Adds the gradients of one batch. `lossGradient` gets the logits of each sequence and returns
  /// the gradient of the loss at each.
  package func accumulate(
    _ batch: TokenBatch, dropout: DropoutRates = .none, seed: UInt64 = 0,
    lossGradient: ([Logits]) -> [Logits]
  ) {
    guard batch.count > 0 else { return }
    let plan = DropoutPlan(dropout, seed: seed)
    let logits = forward(batch, plan)
    backward(batch, plan, lossGradient(logits))
  }

  /// Ends a step: what the batches left at the relative tables reaches the weights.
  package func endStep() { relativeTablesBackward() }

  /// The logits of each sequence with the present weights, without dropout.
  package func logits(of batch: TokenBatch) -> [Logits] {
    guard batch.count > 0 else { return [] }
    prepareRelativeTables()
    return forward(batch, DropoutPlan(.none, seed: 0))
  }
}

/// How much of what is dropped in training.
package struct DropoutRates: Sendable, Equatable, Codable {
  /// Of states: after the embeddings, attention and feed-forward (`hidden_dropout_prob`).
  package var hidden: Float
  /// Of attention weights (`attention_probs_dropout_prob`).
  package var attention: Float
  /// Of the classifier's input (`cls_dropout`, BERT's `classifier_dropout`).
  package var classifier: Float
  /// Of the first token's state before the pooler (`pooler_dropout`, RoBERTa's
  /// `classifier_dropout`).
  package var pooler: Float

  package init(hidden: Float, attention: Float, classifier: Float, pooler: Float = 0) {
    self.hidden = hidden
    self.attention = attention
    self.classifier = classifier
    self.pooler = pooler
  }

  /// Nothing is dropped.
  package static let none = DropoutRates(hidden: 0, attention: 0, classifier: 0)
}

/// The dropout of each place of a model, for one batch.
package struct DropoutPlan {
  package let embeddings: Dropout
  package let classifier: Dropout
  let pooler: Dropout
  /// Of what a convolution gives.
  let convolution: Dropout
  private let hidden: Dropout
  private let attention: Dropout

  package init(_ rates: DropoutRates, seed: UInt64) {
    hidden = Dropout(probability: rates.hidden, seed: seed).use(1)
    embeddings = Dropout(probability: rates.hidden, seed: seed).use(2)
    classifier = Dropout(probability: rates.classifier, seed: seed).use(3)
    attention = Dropout(probability: rates.attention, seed: seed).use(4)
    convolution = Dropout(probability: rates.hidden, seed: seed).use(5)
    pooler = Dropout(probability: rates.pooler, seed: seed).use(6)
  }

  package func attention(layer: Int) -> Dropout? {
    attention.probability > 0 ? attention.use(layer) : nil
  }
  package func attentionOutput(layer: Int) -> Dropout { hidden.use(2 * layer) }
  package func feedForwardOutput(layer: Int) -> Dropout { hidden.use(2 * layer + 1) }
}

/// Normally distributed numbers from a seed (Box and Muller's method).
private struct NormalNumbers {
  private var random: SplitMix64
  private var spare: Double?

  init(seed: UInt64) { random = SplitMix64(seed: seed) }

  mutating func next() -> Float {
    if let number = spare {
      spare = nil
      return Float(number)
    }
    let radius = (-2 * log(1 - random.next().fraction)).squareRoot()
    let angle = 2 * Double.pi * random.next().fraction
    spare = radius * sin(angle)
    return Float(radius * cos(angle))
  }
}
