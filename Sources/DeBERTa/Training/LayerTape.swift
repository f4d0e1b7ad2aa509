import Tensors

/// What one layer's backward pass needs of its forward pass. Query rows are all tokens, or in the
/// last layer the first token of each sequence.
final class LayerTape {
  /// The input at the query rows (query rows, hidden); empty where these are all rows.
  var residual = Matrix(rows: 0, columns: 0)
  /// (query rows, hidden).
  var queries = Matrix(rows: 0, columns: 0)
  /// (tokens, hidden).
  var keys = Matrix(rows: 0, columns: 0)
  /// (tokens, hidden).
  var values = Matrix(rows: 0, columns: 0)
  /// What attention reads from the values (query rows, hidden).
  var context = Matrix(rows: 0, columns: 0)
  /// Before the first normalisation (query rows, hidden).
  var attentionSum = Matrix(rows: 0, columns: 0)
  /// After it (query rows, hidden).
  var attended = Matrix(rows: 0, columns: 0)
  /// Before gelu (query rows, intermediate).
  var expanded = Matrix(rows: 0, columns: 0)
  /// Before the second normalisation (query rows, hidden).
  var outputSum = Matrix(rows: 0, columns: 0)

  /// Makes room for a batch.
  func reserve(tokens: Int, queries queryRows: Int, shape: ModelConfiguration, isLast: Bool) {
    let hidden = shape.hidden
    if keys.rows < tokens {
      keys = Matrix(rows: tokens, columns: hidden)
      values = Matrix(rows: tokens, columns: hidden)
    }
    if queries.rows < queryRows {
      queries = Matrix(rows: queryRows, columns: hidden)
      context = Matrix(rows: queryRows, columns: hidden)
      attentionSum = Matrix(rows: queryRows, columns: hidden)
      attended = Matrix(rows: queryRows, columns: hidden)
      expanded = Matrix(rows: queryRows, columns: shape.intermediate)
      outputSum = Matrix(rows: queryRows, columns: hidden)
    }
    if isLast, residual.rows < queryRows { residual = Matrix(rows: queryRows, columns: hidden) }
  }
}

/// A layer's input, kept until its backward pass.
final class LayerInput {
  /// (tokens, hidden).
  var states = Matrix(rows: 0, columns: 0)

  /// Makes room for a batch.
  func reserve(tokens: Int, hidden: Int) {
    if states.rows < tokens { states = Matrix(rows: tokens, columns: hidden) }
  }
}
