/// An affine map: x (rows, inputs) becomes x · weightᵀ + bias, (rows, outputs).
package struct Linear: Sendable {
  /// How the weight is kept.
  enum Contents: Sendable {
    case floats(Parameter)
    case packed(PackedWeight)
  }

  let contents: Contents
  package let bias: Parameter?

  /// `weight` is (outputs, inputs), as PyTorch saves it; `bias` is (outputs).
  package init(weight: Parameter, bias: Parameter?) {
    precondition(weight.shape.count == 2, "a weight has two dimensions")
    precondition(bias.map { $0.shape == [weight.rows] } ?? true, "a bias has one float per output")
    contents = .floats(weight)
    self.bias = bias
  }

  private init(_ contents: Contents, bias: Parameter?) {
    self.contents = contents
    self.bias = bias
  }

  /// The weight, of a map that is not packed.
  package var weight: Parameter {
    guard case .floats(let weight) = contents else {
      preconditionFailure("a packed map has no weight of floats")
    }
    return weight
  }

  /// The same map with its outputs in the opposite order.
  package var reversed: Linear {
    Linear(weight: weight.reversed, bias: bias?.reversed)
  }

  /// The same map with its weight packed in a narrower format, to be applied only.
  ///
  /// - Parameters:
  ///   - magnitudes: how large each input becomes; nil where that is not known.
  ///   - level: what multiplies; nil for the fastest that this processor has.
  package func packed(
    as format: ProductFormat, magnitudes: [Float]? = nil, level: ProductLevel? = nil,
    on pool: WorkerPool
  ) -> Linear {
    let packed = PackedWeight(
      weight, bias: bias, as: format, magnitudes: magnitudes, level: level, on: pool)
    return Linear(.packed(packed), bias: bias)
  }

  /// Floats per input row.
  package var inputs: Int {
    switch contents {
    case .floats(let weight): weight.columns
    case .packed(let weight): weight.inputs
    }
  }

  /// Floats per output row.
  package var outputs: Int {
    switch contents {
    case .floats(let weight): weight.rows
    case .packed(let weight): weight.outputs
    }
  }
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
