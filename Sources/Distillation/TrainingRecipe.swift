package import Basics
package import DeBERTa
package import Tensors

/// How a model is trained. The defaults are HarmAug's (arXiv 2410.01524, appendix) but for dropout,
/// which the paper leaves to the model's configuration: see `takeDropout`.
package struct TrainingRecipe: Sendable, Codable, Hashable {
  /// Passes over the data; fractions are allowed.
  package var epochs = 3.0
  /// Optimizer steps at most; nil where only epochs count.
  package var stepsMax: Int?
  /// Sequences per optimizer step.
  package var batchSize = 256
  /// Tokens that are computed at once; a batch is cut into such micro-batches.
  package var microBatchTokens = 4096
  /// Tokens of one sequence; the rest of a longer text is not trained on.
  package var sequenceTokensMax = 1024
  package var learningRate = 3e-5
  package var warmUpSteps = 100
  package var weightDecay = 0.1
  package var clipNorm = 1.0
  /// Weight of the label beside the teacher in the loss.
  package var lambda = 0.5
  /// Divides the teacher's logit; 0 makes it a hard label.
  package var teacherTemperature = 0.0
  /// Keeps the model from being too sure of safe texts; nil does not.
  package var energy: EnergyPenalty?
  /// Share of the examples whose texts are changed as whoever evades a guard changes them; nil
  /// changes none.
  package var evadedShare: Double?
  /// Both classes are drawn equally often, with replacement; else each example once an epoch.
  package var balancesClasses = true
  package var hiddenDropout: Float = 0.1
  package var attentionDropout: Float = 0.1
  package var classifierDropout: Float = 0.1
  /// Forward passes are computed again in the backward pass, which saves memory for time.
  package var recomputesActivations = false
  /// What linear maps multiply; nil is fp32.
  package var precision: TrainingPrecision?
  /// Trains changes of low rank instead of all weights; nil trains all.
  package var lowRank: LowRank?
  package var seed: UInt64 = 42

  /// Changes of low rank (LoRA, arXiv 2106.09685).
  package struct LowRank: Sendable, Codable, Hashable {
    package var rank = 32
    /// The change is scaled by alpha / rank.
    package var alpha = 32.0
    /// Only so many layers, from the top; nil adapts all.
    package var layers: Int?

    package init() {}
  }

  /// The paper's recipe.
  package init() {}

  /// HarmAug's recipe for adapting to a new attack: 200 steps of LoRA, rank 32, batch 8, 1e-4.
  package static var adaptation: TrainingRecipe {
    var recipe = TrainingRecipe()
    recipe.stepsMax = 200
    recipe.epochs = .infinity
    recipe.batchSize = 8
    recipe.learningRate = 1e-4
    recipe.warmUpSteps = 10
    recipe.lowRank = LowRank()
    return recipe
  }

  /// Optimizer steps for so many examples.
  package func steps(examples: Int) -> Int {
    let perEpoch = (examples + batchSize - 1) / batchSize
    let steps = (epochs * Double(perEpoch)).rounded(.up)
    return max(1, min(stepsMax ?? .max, steps < 1e9 ? Int(steps) : .max))
  }

  /// Takes the numbers that linear maps multiply.
  package mutating func take(_ choice: PrecisionChoice) {
    precision =
      switch choice {
      case .auto: TrainingPrecision.fastest
      case .fp32: .fp32
      case .bf16: .bf16
      }
  }

  /// Takes the dropout that a model's configuration says.
  package mutating func takeDropout(of model: ModelConfiguration) {
    hiddenDropout = model.dropout.hidden
    attentionDropout = model.dropout.attention
    classifierDropout = model.dropout.classifier
  }

  func dropout(in model: ModelConfiguration) -> DropoutRates {
    DropoutRates(
      hidden: hiddenDropout, attention: attentionDropout, classifier: classifierDropout,
      pooler: model.poolerDropout(beside: classifierDropout))
  }
}

/// Who chooses the numbers that linear maps multiply in training.
package enum PrecisionChoice: String, Sendable, CaseIterable {
  /// Those that this processor is fastest with.
  case auto
  case fp32
  case bf16
}

/// One sequence to train on.
package struct TrainingExample: Sendable, Hashable {
  package let tokens: TokenSequence
  package let target: TrainingTarget

  package init(tokens: TokenSequence, target: TrainingTarget) {
    self.tokens = tokens
    self.target = target
  }
}
