import Tensors

/// Memory for one batch, kept from batch to batch and grown only for a larger one.
struct Workspace: ~Copyable, Sendable {
  /// The tokens' states (tokens, hidden): input and output of every layer.
  var states = Matrix(rows: 0, columns: 0)
  /// Queries (tokens, hidden), then what attention's output map makes of the context.
  var queries = Matrix(rows: 0, columns: 0)
  /// Keys (tokens, hidden), then what the feed-forward adds to the states.
  var keys = Matrix(rows: 0, columns: 0)
  /// Values (tokens, hidden).
  var values = Matrix(rows: 0, columns: 0)
  /// What attention reads from the values (tokens, hidden).
  var context = Matrix(rows: 0, columns: 0)
  /// The inside of the feed-forward (at most `Workspace.expandedRows` tokens, intermediate).
  var expanded = Matrix(rows: 0, columns: 0)
  /// Word embeddings (tokens, embedding) of a model that projects them.
  var embedded = Matrix(rows: 0, columns: 0)
  /// For a model with a convolution.
  var convolution = ConvolutionMemory()
  /// Rows for packed maps.
  var packed = PackedRows()
  /// What the maps' inputs are measured for; nil where nobody asks.
  var magnitudes: InputMagnitudes?
  /// Logits (sequences, labels).
  var logits = Matrix(rows: 0, columns: 0)
  /// Tiles of scores of floats.
  var scratch = AttentionScratch()
  /// Keys, values and tiles of scores of packed attention.
  var packedAttention = PackedAttentionMemory()
  /// The relative table's rows by distance.
  var slots = SlotTable(reach: 0) { _ in 0 }
  /// The layers' work; the last layer's.
  var items: [AttentionItem] = []

  /// The feed-forward runs over so many tokens at once, so that its inside stays in the cache and
  /// costs little memory beside a large batch.
  static let expandedRows = 1024

  /// Makes room for a batch.
  mutating func reserve(
    _ batch: TokenBatch, _ shape: ModelConfiguration, labels: Int
  ) {
    let tokens = batch.tokens.count
    if tokens > states.rows {
      states = Matrix(rows: tokens, columns: shape.hidden)
      queries = Matrix(rows: tokens, columns: shape.hidden)
      keys = Matrix(rows: tokens, columns: shape.hidden)
      values = Matrix(rows: tokens, columns: shape.hidden)
      context = Matrix(rows: tokens, columns: shape.hidden)
      if shape.embedding != shape.hidden {
        embedded = Matrix(rows: tokens, columns: shape.embedding)
      }
    }
    convolution.reserve(tokens: tokens, hidden: shape.hidden, shape.convolution)
    let expandedRows = min(tokens, Workspace.expandedRows)
    if expandedRows > expanded.rows {
      expanded = Matrix(rows: expandedRows, columns: shape.intermediate)
    }
    if batch.count > logits.rows { logits = Matrix(rows: batch.count, columns: labels) }
    let longest = (0..<batch.count).reduce(0) { max($0, batch.range(of: $1).count) }
    if let relative = shape.relative, longest - 1 > slots.reach {
      slots = relative.slotTable(tokens: longest)
    }
  }
}
