internal import Basics
internal import Datasets
internal import DeBERTa
package import Distillation
internal import Foundation
internal import Metrics

/// How a model came to be: `training.json` in its folder.
package struct TrainingRecord: Codable, Sendable {
  /// The file's name.
  package static let fileName = "training.json"

  /// The model it started from, by name and by what its files hold.
  package let base: String
  package let startedFromScratch: Bool
  /// Texts were folded before they were cut into tokens.
  package let foldsText: Bool?
  /// The models that judged the examples as teachers, by name and hash.
  package var teachers: [String] = []
  package let recipe: TrainingRecipe
  package let data: DataSummary
  /// What each step brought.
  package var history: [TrainingPoint] = []
  /// How the held-out examples were judged along the way.
  package var evaluations: [HeldOutEvaluation] = []

  /// The data of a training.
  package struct DataSummary: Codable, Sendable, Hashable {
    package let training: Int
    package let trainingUnsafe: Int
    package let heldOut: Int
    /// Sequences that were cut to the longest length.
    package let cut: Int
    /// SHA-256 over every example in its order.
    package let digest: String
    /// Examples by source.
    package let sources: [String: Int]
  }

  init(
    options: DistillationJob.Options, foldsText: Bool, data: TrainingData,
    examples: [LabelledExample]
  ) {
    base = URL(filePath: options.base).lastPathComponent
    startedFromScratch = options.startsFromScratch
    self.foldsText = foldsText ? true : nil
    recipe = options.recipe
    self.data = DataSummary(
      training: data.training.count, trainingUnsafe: data.training.count { $0.target.isUnsafe },
      heldOut: data.heldOut.count, cut: data.cut,
      digest: Self.digest(of: examples),
      sources: Dictionary(grouping: examples, by: \.source).mapValues(\.count))
  }

  /// SHA-256 over every example in its order.
  static func digest(of examples: [LabelledExample]) -> String {
    let digests = examples.flatMap { example in
      example.digest.bytes + Array("\(example.isUnsafe) \(example.teacherScore ?? -1)".utf8)
    }
    return ContentDigest(of: digests).description
  }

  /// Identifies data, recipe and base: a checkpoint of another training does not fit.
  var fingerprint: String {
    let folding = foldsText == true ? "folds_text" : ""
    let text = "\(base) \(startedFromScratch) \(recipe) \(data.digest) \(folding)"
    return ContentDigest(of: text.utf8).description
  }
}

/// How held-out examples are judged after a step.
package struct HeldOutEvaluation: Codable, Sendable, Hashable {
  package let step: Int
  /// Mean loss of the labels, in nats.
  package let loss: Double
  /// nil where only one class is held out.
  package let f1: Double?
  package let auprc: Double?

  init(step: Int, model: TrainableModel, examples: [TrainingExample]) throws {
    self.step = step
    let judge = DistillationLoss(lambda: 1, teacherTemperature: 0)
    var scores = [Double](repeating: 0, count: examples.count)
    var total = 0.0
    let groups = TrainingBatches.cut(
      lengths: examples.map(\.tokens.count), tokensMax: TrainingBatches.evaluationTokens)
    for group in groups {
      let logits = model.logits(of: TokenBatch(group.map { examples[$0].tokens }))
      for (place, logits) in zip(group, logits) {
        scores[place] = logits.unsafeProbability
        total += judge.value(logits, examples[place].target)
      }
    }
    guard total.isFinite else { throw TrainingFailure.diverged(step: step) }
    loss = total / Double(examples.count)
    let ranked = try RankedScores(scores: scores, isUnsafe: examples.map(\.target.isUnsafe))
    let values = ranked.tally.values(threshold: 0.5)
    f1 = values[.f1]
    auprc = values[.auprc]
  }
}
