import Tensors

/// How large the inputs of a model's maps become over some texts: by input, the largest magnitude.
package struct InputMagnitudes: Sendable {
  /// Of one layer.
  package struct Layer: Sendable {
    /// Of queries, keys and values.
    package internal(set) var attention: [Float] = []
    package internal(set) var attentionOutput: [Float] = []
    package internal(set) var expansion: [Float] = []
    package internal(set) var contraction: [Float] = []
  }

  package internal(set) var layers: [Layer]

  init(layers: Int) { self.layers = Array(repeating: Layer(), count: layers) }

  /// Takes some rows of a layer's inputs into account.
  mutating func note(
    _ inputs: WritableKeyPath<Layer, [Float]>, ofLayer layer: Int, _ matrix: borrowing Matrix,
    rows: Range<Int>
  ) {
    let values = matrix.values(rows: rows)
    var largest = layers[layer][keyPath: inputs]
    if largest.isEmpty { largest = Array(repeating: 0, count: matrix.columns) }
    for row in 0..<rows.count {
      for column in 0..<matrix.columns {
        largest[column] = max(largest[column], abs(values[row * matrix.columns + column]))
      }
    }
    layers[layer][keyPath: inputs] = largest
  }
}
