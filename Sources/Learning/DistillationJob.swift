package import Datasets
package import DeBERTa
package import Distillation
internal import Foundation
internal import Metrics
internal import ModelRegistry
internal import Tensors
internal import Tokenizer

/// `sluice distill`: one training from labelled examples to a model folder.
///
/// It keeps a checkpoint beside the output and goes on from it when run again; the folder appears
/// whole or not at all.
package struct DistillationJob: Sendable {
  package struct Options: Sendable {
    /// The model to start from, or to take switches and tokenizer from.
    package var base: String
    /// The folder to write; must not exist.
    package var output: String
    /// Its dropout counts only where `keepsRecipesDropout`.
    package var recipe = TrainingRecipe()
    /// Dropout is the recipe's, instead of what the base's `config.json` says.
    package var keepsRecipesDropout = false
    /// Texts are folded before they are cut into tokens, also where the base's are not.
    package var foldsText = false
    /// Starts from random weights instead of those of `base`.
    package var startsFromScratch = false
    /// Folders of guard models that judge, as teachers, the examples that none has judged.
    package var teachers: [String] = []
    /// A file that keeps what they say, for later trainings too; nil keeps it for this one only.
    package var teacherOpinions: String?
    /// Share of the examples that is held out to be judged.
    package var heldOutShare = 0.1
    /// Times that the held-out examples are judged in one training.
    package var evaluations = 10
    package var format = WeightFormat.float32
    package var checkpointSeconds = 300.0
    /// Threads; 0 for one per core.
    package var threads = 0

    package init(base: String, output: String) {
      self.base = base
      self.output = output
    }
  }

  /// Held-out examples that are judged along the way.
  private static let curveExamples = 500

  private let options: Options
  private let examples: [LabelledExample]

  /// A training on `examples`.
  package init(options: Options, examples: [LabelledExample]) {
    self.options = options
    self.examples = examples
  }

  /// Trains, or goes on training, and writes the model.
  ///
  /// - Parameters:
  ///   - shouldStop: asked after each step; true saves a checkpoint and stops.
  ///   - show: hears of progress, a few times a second at most.
  package func run(
    shouldStop: @Sendable () -> Bool = { false },
    show: @Sendable (TrainingProgress) -> Void = { _ in }
  ) throws(LearningFailure) -> TrainingRecord {
    try rethrowing(folder: options.base) {
      guard !FileManager.default.fileExists(atPath: options.output) else {
        throw LearningFailure.output("\(options.output): exists already")
      }
      let work = WorkFolder(output: options.output)
      try work.create()
      let pool = WorkerPool(workers: options.threads)
      var description = try ModelDescription.readToInherit(folder: options.base)
      if options.foldsText { description.foldsText = true }
      let model = try startModel(description, pool)
      var options = options
      if !options.keepsRecipesDropout { options.recipe.takeDropout(of: model.configuration) }
      var examples = examples
      var teachers: [String] = []
      if !options.teachers.isEmpty {
        teachers = try TeacherModels(
          folders: options.teachers, file: options.teacherOpinions ?? work.teacherOpinions,
          saveSeconds: options.checkpointSeconds
        ).judge(&examples, pool: pool, shouldStop: shouldStop, show: show)
      }
      let data = try prepare(model, description, examples, pool, show)
      let trainer = try Trainer(
        model: model, examples: data.training, recipe: options.recipe, pool: pool)
      var record = TrainingRecord(
        options: options, foldsText: description.foldsText, data: data, examples: examples)
      record.teachers = teachers
      let fingerprint = record.fingerprint
      if try trainer.resume(from: work.checkpoint, fingerprint: fingerprint) {
        record.evaluations = work.savedEvaluations().filter { $0.step <= trainer.history.count }
      }
      try train(trainer, data, &record, work, fingerprint, shouldStop, show)
      record.history = trainer.history
      try work.publish(
        model, like: options.base, format: options.format, description, record: record)
      return record
    }
  }

  private func startModel(
    _ description: ModelDescription, _ pool: WorkerPool
  ) throws -> TrainableModel {
    if description.hypothesis != nil {
      throw LearningFailure.model(
        "\(options.base): is asked for a hypothesis, which cannot be trained; it may be a teacher")
    }
    let recomputes = options.recipe.recomputesActivations
    let precision = options.recipe.precision ?? .fp32
    return options.startsFromScratch
      ? try TrainableModel(
        newLike: options.base, unsafeLabels: description.unsafeLabels, seed: options.recipe.seed,
        pool: pool, recomputesActivations: recomputes, precision: precision)
      : try TrainableModel(
        folder: options.base, unsafeLabels: description.unsafeLabels, pool: pool,
        recomputesActivations: recomputes, precision: precision, seed: options.recipe.seed)
  }

  private func prepare(
    _ model: TrainableModel, _ description: ModelDescription, _ examples: [LabelledExample],
    _ pool: WorkerPool, _ show: @Sendable (TrainingProgress) -> Void
  ) throws -> TrainingData {
    let tokenizer = try TokenizerFolder.load(options.base, foldsText: description.foldsText)
    guard tokenizer.pieceCount <= model.configuration.vocabulary else {
      throw LearningFailure.model(
        "\(options.base): the tokenizer has more ids than the model embeddings")
    }
    let longest = min(
      options.recipe.sequenceTokensMax, model.configuration.absolutePositions ?? .max)
    let encoder = SequenceEncoder(
      tokenizer: tokenizer, windowTokens: max(longest, SequenceEncoder.windowTokensMin),
      overlapTokens: 0, windowsMax: 1)
    let total = examples.count
    let data = TrainingData(
      examples, encoder: encoder, heldOutShare: options.heldOutShare,
      evadedShare: options.recipe.evadedShare ?? 0, seed: options.recipe.seed, pool: pool
    ) { show(.tokenizing(done: $0, of: total)) }
    let classes = Set(data.training.map(\.target.isUnsafe))
    guard classes.count == 2 else {
      throw LearningFailure.tooLittleData("training needs examples of both classes")
    }
    return data
  }

  private func train(
    _ trainer: Trainer, _ data: TrainingData, _ record: inout TrainingRecord, _ work: WorkFolder,
    _ fingerprint: String, _ shouldStop: () -> Bool, _ show: (TrainingProgress) -> Void
  ) throws {
    var pace = TrainingPace(steps: trainer.steps, taken: trainer.history.count)
    var lastSave = ContinuousClock.now
    let every = max(1, trainer.steps / max(1, options.evaluations))
    while !trainer.isFinished {
      let start = ContinuousClock.now
      let point = try trainer.step()
      show(.training(pace.advance(point, took: ContinuousClock.now - start)))
      if point.step % every == 0 || trainer.isFinished, !data.heldOut.isEmpty {
        // Along the way a part is enough for a curve; the last judgement counts, and takes all.
        let some = trainer.isFinished ? data.heldOut[...] : data.heldOut.prefix(Self.curveExamples)
        record.evaluations.append(
          try HeldOutEvaluation(step: point.step, model: trainer.model, examples: Array(some)))
      }
      let isStopping = !trainer.isFinished && shouldStop()
      if isStopping || ContinuousClock.now - lastSave > .seconds(options.checkpointSeconds) {
        // First the evaluations: those of later steps than the checkpoint's are ignored.
        try work.save(record.evaluations)
        try trainer.save(to: work.checkpoint, fingerprint: fingerprint)
        lastSave = .now
      }
      if isStopping { throw LearningFailure.stopped }
    }
  }
}
