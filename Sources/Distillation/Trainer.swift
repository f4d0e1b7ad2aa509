package import DeBERTa
package import Tensors

/// Trains a model step by step; the caller decides when to save, to show progress or to stop.
package final class Trainer {
  /// What is trained; holds the present weights.
  package let model: TrainableModel
  package let recipe: TrainingRecipe
  /// Optimizer steps in all.
  package let steps: Int
  /// What each step so far brought.
  package private(set) var history: [TrainingPoint] = []
  private let examples: [TrainingExample]
  private let loss: DistillationLoss
  private let schedule: LearningRateSchedule
  private let optimizer: AdamW
  private let adapters: LowRankAdapters?
  private var sampler: ExampleSampler

  /// A training that has taken no step.
  package init(
    model: TrainableModel, examples: [TrainingExample], recipe: TrainingRecipe, pool: WorkerPool
  ) throws(TrainingFailure) {
    guard !examples.isEmpty else { throw .noExamples }
    self.model = model
    self.examples = examples
    self.recipe = recipe
    steps = recipe.steps(examples: examples.count)
    loss = DistillationLoss(
      lambda: recipe.lambda, teacherTemperature: recipe.teacherTemperature, energy: recipe.energy)
    schedule = LearningRateSchedule(
      rate: recipe.learningRate, warmUpSteps: recipe.warmUpSteps, steps: steps)
    sampler = ExampleSampler(
      isUnsafe: examples.map(\.target.isUnsafe), balances: recipe.balancesClasses,
      batchSize: recipe.batchSize, seed: recipe.seed)
    if let lowRank = recipe.lowRank {
      let adapters = LowRankAdapters(model: model, recipe: lowRank, seed: recipe.seed, pool: pool)
      self.adapters = adapters
      optimizer = AdamW(
        tensors: adapters.tensors, weightDecay: recipe.weightDecay, clipNorm: recipe.clipNorm,
        pool: pool)
    } else {
      adapters = nil
      optimizer = AdamW(
        model: model, weightDecay: recipe.weightDecay, clipNorm: recipe.clipNorm, pool: pool)
    }
  }

  /// Every step was taken.
  package var isFinished: Bool { history.count >= steps }

  /// Takes the next step.
  ///
  /// - Throws: `TrainingFailure.diverged` when loss or gradient are no longer finite.
  package func step() throws(TrainingFailure) -> TrainingPoint {
    let number = history.count
    let indices = sampler.indices(step: number)
    let groups = TrainingBatches.cut(
      lengths: indices.map { examples[$0].tokens.count }, tokensMax: recipe.microBatchTokens)
    let share = 1 / Double(indices.count)
    var total = 0.0
    model.beginStep()
    for (place, group) in groups.enumerated() {
      let members = group.map { examples[indices[$0]] }
      let seed = recipe.seed &+ UInt64(number) << 20 &+ UInt64(place)
      model.accumulate(
        TokenBatch(members.map(\.tokens)), dropout: recipe.dropout(in: model.configuration),
        seed: seed
      ) { logits in
        zip(logits, members).map { logits, member in
          total += loss.value(logits, member.target) * share
          return loss.gradient(logits, member.target, share: share)
        }
      }
    }
    model.endStep()
    adapters?.collectGradients()
    let rate = schedule.rate(at: number)
    let norm = optimizer.step(rate: rate)
    guard total.isFinite, norm.isFinite else { throw .diverged(step: number + 1) }
    adapters?.merge()
    let point = TrainingPoint(
      step: number + 1, loss: total, gradientNorm: norm, learningRate: rate,
      tokens: indices.reduce(0) { $0 + examples[$1].tokens.count })
    history.append(point)
    return point
  }

  /// Writes everything that `resume` needs; atomically: a kill leaves the file before or after.
  ///
  /// - Parameter fingerprint: identifies data, recipe and the model that training began with.
  package func save(to path: String, fingerprint: String) throws(TrainingFailure) {
    try TrainingCheckpoint(fingerprint: fingerprint, history: history)
      .write(optimizer.state, to: path)
  }

  /// Goes on where a saved training stopped; false when there is no file. From there on every step
  /// is the same as without the interruption.
  ///
  /// - Throws: `TrainingFailure` when the file is damaged or of another training.
  package func resume(from path: String, fingerprint: String) throws(TrainingFailure) -> Bool {
    guard
      let checkpoint = try TrainingCheckpoint.read(
        path, fingerprint: fingerprint, into: optimizer.state)
    else { return false }
    history = checkpoint.history
    optimizer.stepsTaken = history.count
    adapters?.merge()
    return true
  }
}

/// What one optimizer step brought.
package struct TrainingPoint: Sendable, Codable, Hashable {
  /// Counted from 1.
  package let step: Int
  /// Mean over the step's sequences, before the step, in nats.
  package let loss: Double
  /// Before clipping.
  package let gradientNorm: Double
  package let learningRate: Double
  /// Tokens that the step trained on.
  package let tokens: Int
}

/// Why a training cannot go on.
package enum TrainingFailure: Error, Hashable, Sendable {
  case noExamples
  /// Loss or gradient are not finite.
  case diverged(step: Int)
  /// A checkpoint cannot be read; the reason in words.
  case checkpoint(path: String, reason: String)
  /// A checkpoint cannot be written; the reason in words.
  case output(path: String, reason: String)
}

extension TrainingFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .noExamples: "there is nothing to train on"
    case .diverged(let step):
      "the loss is not finite at step \(step); a smaller learning rate may help"
    case .checkpoint(let path, let reason), .output(let path, let reason): "\(path): \(reason)"
    }
  }
}
