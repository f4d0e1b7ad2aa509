import Tensors

/// Memory for the passes over one batch, kept from batch to batch.
final class TrainingMemory {
  /// What the layers' backward passes need; one for all where they are recomputed.
  let tapes: [LayerTape]
  /// Each layer's input.
  let inputs: [LayerInput]
  /// Word embeddings (tokens, embedding) of a model that projects them.
  var embedded = Matrix(rows: 0, columns: 0)
  /// Before the embeddings' normalisation (tokens, hidden).
  var embeddingSum = Matrix(rows: 0, columns: 0)
  /// The last layer's output: first tokens (sequences, hidden).
  var firstStates = Matrix(rows: 0, columns: 0)
  /// The pooler before and after its function (sequences, hidden), and the logits (sequences, 2).
  var pooled = Matrix(rows: 0, columns: 0)
  var poolerOutput = Matrix(rows: 0, columns: 0)
  var logits = Matrix(rows: 0, columns: 0)
  /// The gradient on its way down (tokens, hidden), and beside it.
  var gradient = Matrix(rows: 0, columns: 0)
  var branch = Matrix(rows: 0, columns: 0)
  var contextGradient = Matrix(rows: 0, columns: 0)
  var logitGradient = Matrix(rows: 0, columns: 0)
  var embeddedGradient = Matrix(rows: 0, columns: 0)
  /// The inside of the feed-forward and its gradient (`chunkRows`, intermediate).
  var activated = Matrix(rows: 0, columns: 0)
  var activatedGradient = Matrix(rows: 0, columns: 0)
  let attention = AttentionGradients()
  /// For a model with a convolution.
  let convolution = ConvolutionTape()
  var scratch = AttentionScratch()
  var slots = SlotTable(reach: 0) { _ in 0 }
  /// The relative table (slots, hidden), and the same normalised where the model says so.
  var relativeWeights = Matrix(rows: 0, columns: 0)
  var relative = Matrix(rows: 0, columns: 0)

  /// The feed-forward runs over so many rows at once.
  static let chunkRows = 1024

  init(layers: Int, recomputes: Bool) {
    tapes = (0..<(recomputes ? min(2, layers) : layers)).map { _ in LayerTape() }
    inputs = (0..<layers).map { _ in LayerInput() }
  }

  /// The tape of a layer. The last layer, which has fewer query rows, never shares one.
  func tape(_ layer: Int) -> LayerTape {
    tapes.count == inputs.count
      ? tapes[layer] : tapes[layer == inputs.count - 1 ? tapes.count - 1 : 0]
  }

  /// Makes room for a batch.
  func reserve(_ batch: TokenBatch, _ shape: ModelConfiguration, workers: Int) {
    let tokens = batch.tokens.count
    let hidden = shape.hidden
    for layer in inputs.indices {
      inputs[layer].reserve(tokens: tokens, hidden: hidden)
      let isLast = layer == inputs.count - 1
      tape(layer).reserve(
        tokens: tokens, queries: isLast ? batch.count : tokens, shape: shape, isLast: isLast)
    }
    if tokens > gradient.rows {
      embeddingSum = Matrix(rows: tokens, columns: hidden)
      gradient = Matrix(rows: tokens, columns: hidden)
      branch = Matrix(rows: tokens, columns: hidden)
      contextGradient = Matrix(rows: tokens, columns: hidden)
      if shape.embedding != hidden {
        embedded = Matrix(rows: tokens, columns: shape.embedding)
        embeddedGradient = Matrix(rows: tokens, columns: shape.embedding)
      }
    }
    convolution.reserve(tokens: tokens, hidden: hidden, shape.convolution)
    let chunk = min(tokens, Self.chunkRows)
    if chunk > activated.rows {
      activated = Matrix(rows: chunk, columns: shape.intermediate)
      activatedGradient = Matrix(rows: chunk, columns: shape.intermediate)
    }
    if batch.count > logits.rows {
      firstStates = Matrix(rows: batch.count, columns: hidden)
      pooled = Matrix(rows: batch.count, columns: hidden)
      poolerOutput = Matrix(rows: batch.count, columns: hidden)
      logits = Matrix(rows: batch.count, columns: 2)
      logitGradient = Matrix(rows: batch.count, columns: 2)
    }
    let longest = (0..<batch.count).reduce(0) { max($0, batch.range(of: $1).count) }
    if let relative = shape.relative, longest - 1 > slots.reach {
      slots = relative.slotTable(tokens: longest)
    }
    let slotCount = shape.relative.map { 2 * $0.span } ?? 0
    attention.reserve(tokens: tokens, hidden: hidden, slots: slotCount)
    scratch.reserve(workers: workers, keys: longest, slots: slotCount, tiles: 2)
  }
}
