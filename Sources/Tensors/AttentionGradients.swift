/// Gradients at the inputs of one attention layer.
///
/// `queries` is (query rows, hidden), `keys` and `values` (tokens, hidden); the two tables are
/// (slots, hidden) and collect over all batches until they are cleared.
package final class AttentionGradients {
  /// At the queries.
  package var queries = Matrix(rows: 0, columns: 0)
  /// At the keys.
  package var keys = Matrix(rows: 0, columns: 0)
  /// At the values.
  package var values = Matrix(rows: 0, columns: 0)
  /// Parts of the tables' gradients, each the sum over some sequences: (parts · slots, hidden).
  var relativeKeys = Matrix(rows: 0, columns: 0)
  var relativeQueries = Matrix(rows: 0, columns: 0)

  /// Sequences are dealt out to so many parts, whatever the number of workers: each part and head
  /// is summed by one worker in a fixed order.
  static let parts = 4

  /// Nothing yet; `reserve` gives memory.
  package init() {}

  /// Makes room for a batch of `tokens`.
  package func reserve(tokens: Int, hidden: Int, slots: Int) {
    if tokens > keys.rows {
      queries = Matrix(rows: tokens, columns: hidden)
      keys = Matrix(rows: tokens, columns: hidden)
      values = Matrix(rows: tokens, columns: hidden)
    }
    if relativeKeys.rows < slots * Self.parts {
      relativeKeys = Matrix(rows: slots * Self.parts, columns: hidden)
      relativeQueries = Matrix(rows: slots * Self.parts, columns: hidden)
    }
  }
}

/// The gradients at one layer's relative tables, summed over the batches of a step.
package final class RelativeGradients {
  /// (slots, hidden).
  package var keys: Matrix
  /// (slots, hidden).
  package var queries: Matrix

  /// Zeros.
  package init(slots: Int, hidden: Int) {
    keys = Matrix(rows: slots, columns: hidden)
    queries = Matrix(rows: slots, columns: hidden)
  }
}
