import ArgumentParser
import Datasets
import DeBERTa
import Distillation
import Glibc
import Learning
import Presentation

struct Distill: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a guard model from labelled examples.",
    discussion: """
      Reads JSON lines with prompt, response, label and, where a teacher judged, teacher: P(unsafe).
      The defaults are HarmAug's recipe. A checkpoint is kept beside the output; after a kill or
      Ctrl-C (exit code 75) the same command goes on where it stopped, with the same result.

      Example: sluice distill --model deberta-v3-small --data train.jsonl --output models/new
      Example: sluice distill --model guard-tiny --from-scratch --epochs 2 --learning-rate 5e-4 \\
                 --data train.jsonl augmented.jsonl --output models/tiny
      Example: sluice distill --model guard-tiny --from-scratch --teacher HarmAug-Guard \\
                 --teacher-temperature 1 --data train.jsonl --output models/student
      Example: sluice distill --model models/current --adapt --data attack.jsonl old.jsonl \\
                 --output models/adapted
      """)

  @Option(name: .shortAndLong, help: "The model to start from: a folder in Hugging Face's layout.")
  var model: String

  @Option(name: .shortAndLong, parsing: .upToNextOption, help: "Files of labelled examples.")
  var data: [String]

  @Option(
    parsing: .upToNextOption,
    help: "Guard models that judge, as teachers, the examples without a teacher's score.")
  var teacher: [String] = []

  @Option(help: "A file that keeps what these teachers say, for the next trainings.")
  var teacherOpinions: String?

  @Option(name: .shortAndLong, help: "The folder to write the new model to.")
  var output: String

  @Flag(help: "Take only switches and tokenizer from the model, and start with random weights.")
  var fromScratch = false

  @Flag(help: "Give the model texts as people read them: see docs/models.md, Folded texts.")
  var foldText = false

  @Flag(help: "HarmAug's recipe for a new attack: 200 steps of LoRA, rank 32, batch 8, rate 1e-4.")
  var adapt = false

  @OptionGroup(title: "Recipe") var recipe: RecipeOptions

  @Option(help: "Share of the examples that is held out to be judged.")
  var heldOut = 0.1

  @Option(help: "Number format of the weights: float32 or float16.")
  var format: Format = .float32

  @Option(help: "Seconds between checkpoints.")
  var checkpointSeconds = 300.0

  @Option(help: "Threads; 0 takes one per core.")
  var threads = 0

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case float32, float16
  }

  func validate() throws {
    guard (0...0.9).contains(heldOut) else {
      throw ValidationError("--held-out: expected a number from 0 to 0.9")
    }
    guard teacherOpinions == nil || !teacher.isEmpty else {
      throw ValidationError("--teacher-opinions: there is no --teacher")
    }
    guard checkpointSeconds >= 0 else {
      throw ValidationError("--checkpoint-seconds: expected a number of at least 0")
    }
    guard (0...4096).contains(threads) else {
      throw ValidationError("--threads: expected a number from 0 to 4096")
    }
  }

  func run() throws {
    do {
      var options = DistillationJob.Options(base: model, output: output)
      options.recipe = recipe.applied(to: adapt ? .adaptation : TrainingRecipe())
      options.keepsRecipesDropout = recipe.dropout != nil
      options.startsFromScratch = fromScratch
      options.foldsText = foldText
      options.teachers = teacher
      options.teacherOpinions = teacherOpinions
      options.heldOutShare = heldOut
      options.format = format == .float32 ? .float32 : .float16
      options.checkpointSeconds = checkpointSeconds
      options.threads = threads
      let examples = try data.flatMap { path in try DatasetFile.read(path) }
      StopSignal.listen()
      let bar = ProgressBar(unwatchedInterval: .seconds(30))
      let record = try DistillationJob(options: options, examples: examples)
        .run(shouldStop: { StopSignal.isRaised }) { progress in bar.show { progress.line } }
      bar.finish()
      StandardOutput.say(summary(record))
    } catch {
      throw exitError(for: error)
    }
  }

  private func summary(_ record: TrainingRecord) -> String {
    var lines = [
      "\(output): \(record.history.count) steps on \(record.data.training) examples",
      "  \(record.data.trainingUnsafe) of them unsafe, "
        + "\(record.data.cut) cut to the longest length",
    ]
    if let last = record.evaluations.last {
      func text(_ value: Double?) -> String { value.map { fixed($0, 4) } ?? "undefined" }
      lines.append(
        "  held out: \(record.data.heldOut) examples, loss \(fixed(last.loss, 4)), "
          + "F1 \(text(last.f1)), AUPRC \(text(last.auprc))")
    }
    return lines.joined(separator: "\n")
  }
}

/// The recipe's options; each that is absent keeps the recipe's own value.
struct RecipeOptions: ParsableArguments {
  @Option(help: "Passes over the data (3).")
  var epochs: Double?

  @Option(help: "Optimizer steps at most.")
  var steps: Int?

  @Option(help: "Sequences per step (256).")
  var batchSize: Int?

  @Option(help: "Tokens that are computed at once (4096): memory for speed.")
  var microBatchTokens: Int?

  @Option(help: "Tokens of one sequence at most (1024).")
  var tokensMax: Int?

  @Option(help: "The highest learning rate (3e-5).")
  var learningRate: Double?

  @Option(help: "Steps until the highest learning rate (100).")
  var warmUpSteps: Int?

  @Option(help: "Weight decay (0.1).")
  var weightDecay: Double?

  @Option(help: "Weight of the label beside the teacher in the loss, 0 to 1 (0.5).")
  var lambda: Double?

  @Option(help: "Temperature of the teacher; 0 makes it a hard label (0).")
  var teacherTemperature: Double?

  @Option(help: "Weight of a penalty on being too sure of safe texts (0).")
  var energyWeight: Double?

  @Option(help: "Where that penalty begins: the logsumexp of a text's logits (2).")
  var energyMargin: Double?

  @Option(
    help: "Share of the examples that is changed as evaluate --evade changes texts (0): hardens.")
  var evadedShare: Double?

  @Option(help: "Dropout of states, attention and classifier (what the model's config.json says).")
  var dropout: Float?

  @Flag(help: "Draw each example once an epoch, instead of both classes equally often.")
  var unbalanced = false

  @Flag(help: "Compute forward passes again in backward passes: less memory, a third slower.")
  var recompute = false

  @Option(
    help: "Numbers that linear maps multiply: fp32, bf16, or auto for the faster ones here.")
  var precision = PrecisionChoice.auto

  @Option(help: "Train changes of this rank (LoRA) instead of all weights.")
  var loraRank: Int?

  @Option(help: "The changes' scale times their rank (32).")
  var loraAlpha: Double?

  @Option(help: "Change only so many layers, from the top.")
  var loraLayers: Int?

  @Option(help: "Seed of everything random (42).")
  var seed: UInt64?

  func validate() throws {
    try check("epochs", epochs) { $0 > 0 }
    try check("steps", steps) { $0 > 0 }
    try check("batch-size", batchSize) { (1...1_000_000).contains($0) }
    try check("micro-batch-tokens", microBatchTokens) { (8...10_000_000).contains($0) }
    try check("tokens-max", tokensMax) { (8...65_536).contains($0) }
    try check("learning-rate", learningRate) { $0 > 0 && $0 < 1 }
    try check("warm-up-steps", warmUpSteps) { $0 >= 0 }
    try check("weight-decay", weightDecay) { $0 >= 0 && $0 < 100 }
    try check("lambda", lambda) { (0...1).contains($0) }
    try check("teacher-temperature", teacherTemperature) { $0 >= 0 && $0 <= 100 }
    try check("energy-weight", energyWeight) { $0 >= 0 && $0 <= 1000 }
    try check("energy-margin", energyMargin) { $0.isFinite }
    if energyMargin != nil, energyWeight == nil {
      throw ValidationError("--energy-margin: needs --energy-weight")
    }
    try check("evaded-share", evadedShare) { (0...1).contains($0) }
    try check("dropout", dropout) { $0 >= 0 && $0 < 1 }
    try check("lora-rank", loraRank) { (1...4096).contains($0) }
    try check("lora-alpha", loraAlpha) { $0 > 0 }
    try check("lora-layers", loraLayers) { $0 > 0 }
  }

  private func check<T>(_ name: String, _ value: T?, _ isGood: (T) -> Bool) throws {
    if let value, !isGood(value) { throw ValidationError("--\(name): out of range") }
  }

  /// The recipe with what was asked for.
  func applied(to start: TrainingRecipe) -> TrainingRecipe {
    var recipe = start
    if steps != nil && epochs == nil { recipe.epochs = .infinity }
    recipe.epochs = epochs ?? recipe.epochs
    recipe.stepsMax = steps ?? recipe.stepsMax
    recipe.batchSize = batchSize ?? recipe.batchSize
    recipe.microBatchTokens = microBatchTokens ?? recipe.microBatchTokens
    recipe.sequenceTokensMax = tokensMax ?? recipe.sequenceTokensMax
    recipe.learningRate = learningRate ?? recipe.learningRate
    recipe.warmUpSteps = warmUpSteps ?? recipe.warmUpSteps
    recipe.weightDecay = weightDecay ?? recipe.weightDecay
    recipe.lambda = lambda ?? recipe.lambda
    recipe.teacherTemperature = teacherTemperature ?? recipe.teacherTemperature
    if let energyWeight, energyWeight > 0 {
      recipe.energy = EnergyPenalty(weight: energyWeight, margin: energyMargin ?? 2)
    }
    if let evadedShare, evadedShare > 0 { recipe.evadedShare = evadedShare }
    if let dropout {
      recipe.hiddenDropout = dropout
      recipe.attentionDropout = dropout
      recipe.classifierDropout = dropout
    }
    if unbalanced { recipe.balancesClasses = false }
    recipe.recomputesActivations = recompute
    recipe.take(precision)
    if var lowRank = recipe.lowRank ?? loraRank.map({ _ in TrainingRecipe.LowRank() }) {
      lowRank.rank = loraRank ?? lowRank.rank
      lowRank.alpha = loraAlpha ?? lowRank.alpha
      lowRank.layers = loraLayers ?? lowRank.layers
      recipe.lowRank = lowRank
    }
    recipe.seed = seed ?? recipe.seed
    return recipe
  }
}

extension PrecisionChoice: ExpressibleByArgument {}
