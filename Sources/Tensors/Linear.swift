/// An affine map: x (rows, inputs) becomes x · weightᵀ + bias, (rows, outputs).
///
/// Single precision only for now: other weight formats become other cases behind this type.
package struct Linear: Sendable {
  package let weight: Parameter
  package let bias: Parameter?

  /// `weight` is (outputs, inputs), as PyTorch saves it; `bias` is (outputs).
  package init(weight: Parameter, bias: Parameter?) {
    precondition(weight.shape.count == 2, "a weight has two dimensions")
    precondition(bias.map { $0.shape == [weight.rows] } ?? true, "a bias has one float per output")
    self.weight = weight
    self.bias = bias
  }

  /// The same map with its outputs in the opposite order.
  package var reversed: Linear {
    Linear(weight: weight.reversed, bias: bias?.reversed)
  }

  /// Floats per input row.
  package var inputs: Int { weight.columns }

  /// Floats per output row.
  package var outputs: Int { weight.rows }
}

/// Layer normalisation: (x - mean) / sqrt(variance + epsilon) · scale + shift.
package struct Normalization: Sendable {
  package let scale: Parameter
  package let shift: Parameter
  package let epsilon: Float

  /// `scale` and `shift` have one float per column.
  package init(scale: Parameter, shift: Parameter, epsilon: Float) {
    precondition(scale.shape == shift.shape, "scale and shift have one float per column each")
    self.scale = scale
    self.shift = shift
    self.epsilon = epsilon
  }

  /// Floats per row.
  var columns: Int { scale.rows }
}
