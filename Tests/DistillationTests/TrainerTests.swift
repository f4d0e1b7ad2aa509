import Basics
import DeBERTa
import Foundation
import Tensors
import TestSupport
import Testing

import Distillation

@Suite struct TrainerTests {
  private static let pool = WorkerPool(workers: 2)

  private func model(
    _ folder: String = "v3-style", recomputes: Bool = false, precision: TrainingPrecision = .fp32
  ) throws -> TrainableModel {
    try TrainableModel(
      folder: GoldenCase.url(folder).path, pool: Self.pool, recomputesActivations: recomputes,
      precision: precision)
  }

  /// Sequences of random tokens; those with token 77 are unsafe.
  private func examples(_ count: Int, seed: UInt64) -> [TrainingExample] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { index in
      let isUnsafe = index % 3 == 0
      var tokens = (0..<Int.random(in: 3...20, using: &random)).map { _ in
        Int32.random(in: 100..<104, using: &random)
      }
      if isUnsafe { tokens[tokens.count / 2] = 77 }
      return TrainingExample(
        tokens: TokenSequence([1] + tokens + [2]), target: TrainingTarget(isUnsafe: isUnsafe))
    }
  }

  private var recipe: TrainingRecipe {
    var recipe = TrainingRecipe()
    recipe.stepsMax = 8
    recipe.batchSize = 16
    recipe.microBatchTokens = 100
    recipe.learningRate = 1e-3
    recipe.warmUpSteps = 2
    return recipe
  }

  private func weights(_ model: TrainableModel) -> [Float] {
    model.parameters.weights.withValues(0..<model.parameters.weights.count) { span in
      span.indices.map { span[$0] }
    }
  }

  @Test(arguments: ["v3-style", "bert", "roberta-types"], [nil, 4])
  func aTrainingFindsThePattern(folder: String, rank: Int?) throws {
    var recipe = recipe
    // A random head may be sure of the opposite at first.
    recipe.stepsMax = folder.hasPrefix("roberta") ? 240 : 80
    recipe.epochs = .infinity
    recipe.learningRate = 2e-3
    recipe.hiddenDropout = 0
    recipe.attentionDropout = 0
    recipe.lowRank = rank.map { rank in
      var lowRank = TrainingRecipe.LowRank()
      lowRank.rank = rank
      lowRank.alpha = 8
      return lowRank
    }
    let trainer = try Trainer(
      model: try model(folder), examples: examples(300, seed: 1), recipe: recipe, pool: Self.pool)
    while !trainer.isFinished { _ = try trainer.step() }
    let losses = trainer.history.map(\.loss)
    let (start, end) = (losses.prefix(10).reduce(0.0, +), losses.suffix(10).reduce(0.0, +))
    #expect(end < 0.5 * start, "\(start) to \(end)")
    let unseen = examples(60, seed: 2)
    let logits = trainer.model.logits(of: TokenBatch(unseen.map(\.tokens)))
    let correct = zip(logits, unseen).count {
      ($0.unsafeProbability > 0.5) == $1.target.isUnsafe
    }
    #expect(correct >= 50, "\(correct) of 60")
  }

  @Test(arguments: [(nil, true), (nil, false), (4, true), (4, false)], TrainingPrecision.allCases)
  func aResumedTrainingEndsWithTheSameWeights(
    kind: (rank: Int?, balances: Bool), precision: TrainingPrecision
  ) throws {
    let (rank, balances) = kind
    let directory = try TemporaryDirectory()
    let path = directory.path + "/checkpoint"
    var recipe = recipe
    recipe.balancesClasses = balances
    recipe.lowRank = rank.map { rank in
      var lowRank = TrainingRecipe.LowRank()
      lowRank.rank = rank
      lowRank.layers = 2
      return lowRank
    }
    func trainer() throws -> Trainer {
      try Trainer(
        model: try model(precision: precision), examples: examples(50, seed: 3), recipe: recipe,
        pool: Self.pool)
    }
    let whole = try trainer()
    while !whole.isFinished { _ = try whole.step() }
    let first = try trainer()
    for _ in 0..<3 { _ = try first.step() }
    try first.save(to: path, fingerprint: "f")
    _ = try first.step()
    let second = try trainer()
    #expect(try second.resume(from: path, fingerprint: "f"))
    while !second.isFinished { _ = try second.step() }
    #expect(second.history == whole.history)
    #expect(weights(second.model) == weights(whole.model))
  }

  /// Other numbers, but far nearer than those of another seed.
  @Test(arguments: ["v3-style", "bert", "roberta-types"])
  func lossesOf16BitProductsAreNearThoseOf32(folder: String) throws {
    func losses(_ precision: TrainingPrecision, seed: UInt64) throws -> [Double] {
      var recipe = recipe
      recipe.stepsMax = 40
      recipe.epochs = .infinity
      recipe.seed = seed
      let trainer = try Trainer(
        model: try model(folder, precision: precision), examples: examples(300, seed: 1),
        recipe: recipe, pool: Self.pool)
      while !trainer.isFinished { _ = try trainer.step() }
      return trainer.history.map(\.loss)
    }
    func distance(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(a.count)
    }
    let floats = try losses(.fp32, seed: 42)
    let halves = try distance(losses(.bf16, seed: 42), floats)
    let seeds = try distance(losses(.fp32, seed: 43), floats)
    #expect(halves > 0 && halves < 0.3 * seeds, "\(halves) beside \(seeds)")
  }

  @Test func recomputedActivationsChangeNothing() throws {
    let trainers = try [false, true].map { recomputes in
      try Trainer(
        model: try model(recomputes: recomputes), examples: examples(50, seed: 4), recipe: recipe,
        pool: Self.pool)
    }
    for trainer in trainers { for _ in 0..<3 { _ = try trainer.step() } }
    #expect(trainers[0].history == trainers[1].history)
    #expect(weights(trainers[0].model) == weights(trainers[1].model))
  }

  @Test func checkpointsOfOthersAndDamagedOnesAreRefused() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/checkpoint"
    let trainer = try Trainer(
      model: try model(), examples: examples(20, seed: 5), recipe: recipe, pool: Self.pool)
    #expect(try !trainer.resume(from: path, fingerprint: "f"))
    _ = try trainer.step()
    try trainer.save(to: path, fingerprint: "f")
    #expect(throws: TrainingFailure.self) { try trainer.resume(from: path, fingerprint: "g") }
    let sound = try Data(contentsOf: URL(filePath: path))
    let before = weights(trainer.model)
    var flipped = sound
    flipped[sound.count / 2] ^= 1
    for damaged in [sound.dropLast(), sound.prefix(100), flipped, Data()] {
      try Data(damaged).write(to: URL(filePath: path))
      #expect(throws: TrainingFailure.self) { try trainer.resume(from: path, fingerprint: "f") }
    }
    #expect(weights(trainer.model) == before)
  }

  @Test func aSavedModelJudgesLikeTheTrainedOne() throws {
    let directory = try TemporaryDirectory()
    let trainer = try Trainer(
      model: try model(), examples: examples(20, seed: 6), recipe: recipe, pool: Self.pool)
    for _ in 0..<3 { _ = try trainer.step() }
    let batch = TokenBatch(examples(9, seed: 7).map(\.tokens))
    let expected = trainer.model.logits(of: batch)
    for (format, tolerance) in [(WeightFormat.float32, Float(1e-5)), (.float16, 0.05)] {
      let folder = directory.path + "/" + format.rawValue
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try trainer.model.save(to: folder, like: GoldenCase.url("v3-style").path, format: format)
      let saved = try DeBERTaClassifier(folder: folder, pool: Self.pool).classify(batch)
      for (found, expected) in zip(saved, expected) {
        #expect(abs(found.unsafe - expected.unsafe) < tolerance)
      }
      let configuration = try JSONSerialization.jsonObject(
        with: Data(contentsOf: URL(filePath: folder + "/config.json")))
      let name = (configuration as? [String: Any])?["dtype"] as? String
      #expect(name == (format == .float32 ? "float32" : "float16"))
    }
  }

  @Test func aSavedModelHasTheTokenizerOfItsBaseWhateverItsFiles() throws {
    let directory = try TemporaryDirectory()
    let base = directory.path + "/base"
    let saved = directory.path + "/saved"
    for folder in [base, saved] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    let configuration = GoldenCase.url("v3-style").appending(path: "config.json")
    try Data(contentsOf: configuration).write(to: URL(filePath: base + "/config.json"))
    try Data("{}".utf8).write(to: URL(filePath: base + "/added_tokens.json"))
    #expect(throws: ModelError.self, "no tokenizer") {
      try model().save(to: saved, like: base, format: .float16)
    }
    for name in ["tokenizer.json", "vocab.txt", "special_tokens_map.json"] {
      try Data(name.utf8).write(to: URL(filePath: base + "/" + name))
    }
    try model().save(to: saved, like: base, format: .float16)
    for name in ["tokenizer.json", "vocab.txt", "special_tokens_map.json", "added_tokens.json"] {
      let contents = FileManager.default.contents(atPath: saved + "/" + name)
      #expect(contents == FileManager.default.contents(atPath: base + "/" + name), "\(name)")
    }
  }
}
