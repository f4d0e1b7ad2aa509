/// A function of each float between two maps.
package enum Activation: String, Sendable {
  /// x/2 · (1 + erf(x/√2)), not its tanh approximation.
  case gelu
  case tanh
}
