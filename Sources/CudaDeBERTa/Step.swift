package import DeBERTa

/// The steps of a forward pass, as they are timed.
package enum Step: String, CaseIterable, Sendable {
  case copyIn = "copy in"
  case embedding
  case projections = "queries, keys, values"
  case attention
  case attentionOutput = "attention output"
  case normalization
  case expansion
  case activation
  case contraction
  case head = "head and copy out"
}

/// What a step has to do at least.
package struct StepCost: Sendable {
  /// Floating-point operations, a multiplication and an addition counting as two.
  package let operations: Double
  /// Bytes between the chip and its memory: every operand once, weights included.
  package let bytes: Double
}

extension Step {
  /// The step's cost over all layers, in 16-bit numbers, without what the last layer saves.
  package func cost(of batch: TokenBatch, _ shape: ModelConfiguration) -> StepCost {
    let tokens = Double(batch.tokens.count)
    let (hidden, inner) = (Double(shape.hidden), Double(shape.intermediate))
    let layers = Double(shape.layers)
    func product(_ inputs: Double, _ outputs: Double) -> StepCost {
      StepCost(
        operations: 2 * tokens * inputs * outputs * layers,
        bytes: 2 * (tokens * (inputs + outputs) + inputs * outputs) * layers)
    }
    func pass(_ columns: Double, operations: Double, times: Double = 1) -> StepCost {
      StepCost(
        operations: operations * tokens * columns * times * layers,
        bytes: 2 * columns * tokens * times * layers)
    }
    switch self {
    case .copyIn: return StepCost(operations: 0, bytes: 8 * tokens)
    case .embedding: return StepCost(operations: 8 * tokens * hidden, bytes: 4 * tokens * hidden)
    case .projections: return product(hidden, 3 * hidden)
    case .attention:
      // Scores and values; and what the bias adds, products of each row with each distinct slot.
      var pairs = 0.0
      for sequence in 0..<batch.count {
        let length = Double(batch.range(of: sequence).count)
        let slots = min(2 * length, 2 * Double(shape.relative?.span ?? 0))
        pairs += length * (2 * length + Double(shape.scoreTerms - 1) * slots)
      }
      return StepCost(
        operations: 2 * pairs * hidden * layers, bytes: 2 * 4 * tokens * hidden * layers)
    case .attentionOutput: return product(hidden, hidden)
    case .normalization: return pass(3 * hidden, operations: 4, times: 2)
    case .expansion: return product(hidden, inner)
    case .activation: return pass(2 * inner, operations: 10)
    case .contraction: return product(inner, hidden)
    case .head:
      let sequences = Double(batch.count)
      return StepCost(
        operations: 2 * sequences * hidden * (hidden + 2), bytes: 2 * hidden * hidden)
    }
  }
}
