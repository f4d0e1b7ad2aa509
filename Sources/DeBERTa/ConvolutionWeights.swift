import Tensors

/// The convolution of DeBERTa-v2's larger models, beside the first layer:
/// states = norm(states + activation(convolution of the embeddings)).
struct ConvolutionWeights: Sendable {
  /// One group: a map of what the taps see to its columns.
  struct Group: Sendable {
    let columns: Range<Int>
    let map: Linear
  }

  let groups: [Group]
  let norm: Normalization

  init(_ shape: ModelConfiguration.Convolution, folder: ModelFolder) throws(ModelError) {
    let hidden = folder.configuration.hidden
    let weight = try folder.parameter(
      "encoder.conv.conv.weight", [hidden, hidden / shape.groups, shape.taps])
    let bias = try folder.parameter("encoder.conv.conv.bias", [hidden])
    groups = shape.columns(hidden: hidden).map {
      Group(columns: $0, map: Linear(weight: weight.rows($0), bias: bias.rows($0)))
    }
    norm = try folder.norm("encoder.conv.LayerNorm")
  }
}

/// Memory of a convolution, kept from batch to batch.
struct ConvolutionMemory: ~Copyable, Sendable {
  /// What the taps see (at most `rowsMax` tokens, columns of a group · taps).
  var patches = Matrix(rows: 0, columns: 0)
  /// What comes of it (at most `rowsMax` tokens, columns of a group).
  var group = Matrix(rows: 0, columns: 0)
  /// The groups side by side (tokens, hidden).
  var convolved = Matrix(rows: 0, columns: 0)

  /// It runs over so many tokens at once.
  static let rowsMax = 1024

  /// Makes room for a batch of `tokens`.
  mutating func reserve(tokens: Int, hidden: Int, _ shape: ModelConfiguration.Convolution?) {
    guard let shape, tokens > convolved.rows else { return }
    let rows = min(tokens, Self.rowsMax)
    let columns = hidden / shape.groups
    patches = Matrix(rows: rows, columns: columns * shape.taps)
    group = Matrix(rows: rows, columns: columns)
    convolved = Matrix(rows: tokens, columns: hidden)
  }
}

extension TokenBatch {
  /// Calls `body` for pieces of the sequences with the rows of the sequence and those of the piece.
  func forConvolvedRows(_ body: (_ sequence: Range<Int>, _ rows: Range<Int>) -> Void) {
    for sequence in 0..<count {
      let range = range(of: sequence)
      for start in stride(
        from: range.lowerBound, to: range.upperBound, by: ConvolutionMemory.rowsMax)
      {
        body(range, start..<min(start + ConvolutionMemory.rowsMax, range.upperBound))
      }
    }
  }
}
