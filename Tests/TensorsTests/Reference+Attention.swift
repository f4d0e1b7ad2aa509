extension Reference {
  /// What one head of one sequence attends with; the gradients at them have the same shapes.
  struct Attention {
    /// (queries, head size).
    var queries: [[Double]]
    /// (tokens, head size).
    var keys: [[Double]]
    /// (tokens, head size).
    var values: [[Double]]
    /// Keys of the relative positions (slots, head size); empty where the model lacks the term.
    var keyTable: [[Double]]
    /// Queries of the relative positions, as above.
    var queryTable: [[Double]]

    init(
      queries: [[Double]], keys: [[Double]], values: [[Double]], keyTable: [[Double]],
      queryTable: [[Double]]
    ) {
      self.queries = queries
      self.keys = keys
      self.values = values
      self.keyTable = keyTable
      self.queryTable = queryTable
    }
  }

  /// How scores become weights.
  struct AttentionRule {
    let scale: Double
    let slot: (Int) -> Int
    let kept: [[Double]]?

    /// Scores are multiplied by `scale`; `slot` maps query position - key position to a table's
    /// row; dropout multiplies the weights (queries, tokens) by `kept`.
    init(scale: Double, slot: @escaping (Int) -> Int, kept: [[Double]]? = nil) {
      self.scale = scale
      self.slot = slot
      self.kept = kept
    }
  }

  /// Disentangled attention, term by term from the paper's equation 4: (queries, head size). The
  /// first query stands at the sequence's start.
  static func attention(_ inputs: Attention, _ rule: AttentionRule) -> [[Double]] {
    let kept = weights(inputs, rule).enumerated().map { i, weights in
      weights.indices.map { weights[$0] * (rule.kept?[i][$0] ?? 1) }
    }
    return product(kept, inputs.values)
  }

  /// The gradient at the inputs of `attention` for the one at its output (queries, head size).
  static func attentionGradient(
    _ inputs: Attention, _ rule: AttentionRule, output: [[Double]]
  ) -> Attention {
    var gradient = inputs.zeros
    for (i, weights) in weights(inputs, rule).enumerated() {
      let kept = rule.kept?[i] ?? weights.map { _ in 1 }
      let scores = softmaxGradient(
        weights.indices.map { kept[$0] * dot(output[i], inputs.values[$0]) }, weights: weights,
        scale: rule.scale)
      for (j, score) in scores.enumerated() {
        let slot = rule.slot(i - j)
        add(weights[j] * kept[j], output[i], to: &gradient.values[j])
        add(score, inputs.keys[j], to: &gradient.queries[i])
        add(score, inputs.queries[i], to: &gradient.keys[j])
        if !inputs.keyTable.isEmpty {
          add(score, inputs.keyTable[slot], to: &gradient.queries[i])
          add(score, inputs.queries[i], to: &gradient.keyTable[slot])
        }
        if !inputs.queryTable.isEmpty {
          add(score, inputs.queryTable[slot], to: &gradient.keys[j])
          add(score, inputs.keys[j], to: &gradient.queryTable[slot])
        }
      }
    }
    return gradient
  }

  /// The attention weights (queries, tokens) before dropout.
  private static func weights(_ inputs: Attention, _ rule: AttentionRule) -> [[Double]] {
    inputs.queries.indices.map { i in
      let scores = inputs.keys.indices.map { j in
        let slot = rule.slot(i - j)
        var score = dot(inputs.queries[i], inputs.keys[j])
        if !inputs.keyTable.isEmpty { score += dot(inputs.queries[i], inputs.keyTable[slot]) }
        if !inputs.queryTable.isEmpty { score += dot(inputs.keys[j], inputs.queryTable[slot]) }
        return score
      }
      return softmax(scores, scale: rule.scale)
    }
  }

  private static func add(_ factor: Double, _ row: [Double], to total: inout [Double]) {
    for index in total.indices { total[index] += factor * row[index] }
  }
}

extension Reference.Attention {
  fileprivate var zeros: Self {
    func zeros(_ rows: [[Double]]) -> [[Double]] { rows.map { $0.map { _ in 0 } } }
    return Self(
      queries: zeros(queries), keys: zeros(keys), values: zeros(values),
      keyTable: zeros(keyTable), queryTable: zeros(queryTable))
  }
}
