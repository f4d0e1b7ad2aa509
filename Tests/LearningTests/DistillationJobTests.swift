import Datasets
import Distillation
import Evaluation
import Foundation
import Learning
import ModelRegistry
import Synchronization
import Tensors
import TestSupport
import Testing

/// Whole trainings of a tiny model.
struct DistillationJobTests {
  private static let base = GoldenCase.url("v3-style").path

  /// Rows of which every second is unsafe, and says so.
  private static func rows(_ count: Int) -> [LabelledExample] {
    (0..<count).map { number in
      let isUnsafe = number % 2 == 1
      return LabelledExample(
        id: "\(number)", prompt: isUnsafe ? "I will hurt you \(number)" : "Good day \(number)",
        isUnsafe: isUnsafe, source: isUnsafe ? "threats" : "<greetings>")
    }
  }

  private static func options(_ directory: TemporaryDirectory) -> DistillationJob.Options {
    var options = DistillationJob.Options(base: base, output: directory.path + "/new")
    options.recipe.stepsMax = 6
    options.recipe.epochs = .infinity
    options.recipe.batchSize = 4
    options.recipe.warmUpSteps = 2
    options.evaluations = 3
    options.threads = 1
    return options
  }

  private static func weights(_ folder: String) throws -> Data {
    try Data(contentsOf: URL(filePath: folder + "/model.safetensors"))
  }

  /// A base whose labels stand the other way round, or whose file says which is unsafe: unsafe rows
  /// get the larger scores, from its weights and from none.
  @Test(arguments: [true, false], [true, false])
  func labelsMeanWhatTheBaseSays(startsFromScratch: Bool, areNamed: Bool) throws {
    let directory = try TemporaryDirectory()
    let labels = areNamed ? ["unsafe", "safe"] : ["b", "a"]
    let base = try CategoryModel(labels: labels)
    if !areNamed {
      try #"{"unsafe_labels": ["b"], "views": ["prompt"], "calibration": {"temperature": 2}}"#
        .write(toFile: base.path + "/sluice.json", atomically: true, encoding: .utf8)
    }
    var options = Self.options(directory)
    options.base = base.path
    options.startsFromScratch = startsFromScratch
    options.recipe.stepsMax = 60
    options.recipe.learningRate = 2e-3
    let record = try DistillationJob(options: options, examples: Self.rows(60)).run()
    #expect(record.history.count == 60)
    let description = try ModelDescription.read(folder: options.output)
    #expect(description?.unsafeLabels == (areNamed ? nil : ["b"]))
    #expect(description?.views == (areNamed ? nil : [.prompt]))
    #expect(description?.calibration == nil, "another model's")
    let pool = WorkerPool(workers: 1)
    let trained = try DatasetScorer.load(model: options.output, pool: pool)
    let rows = try DatasetScorer(model: trained).score(Self.rows(20), name: "rows").rows
    let unsafe = rows.filter(\.isUnsafe).map(\.score).reduce(0, +)
    let safe = rows.filter { !$0.isUnsafe }.map(\.score).reduce(0, +)
    #expect(unsafe > safe + 5, "of ten each")
  }

  @Test func aModelOfHypothesesDoesNotTrain() throws {
    let directory = try TemporaryDirectory()
    let base = try CategoryModel(labels: ["entailment", "not_entailment"])
    try #"{"hypothesis": "It rains.", "unsafe_labels": ["entailment"]}"#.write(
      toFile: base.path + "/sluice.json", atomically: true, encoding: .utf8)
    var options = Self.options(directory)
    options.base = base.path
    let failure = #expect(throws: LearningFailure.self) {
      try DistillationJob(options: options, examples: Self.rows(20)).run()
    }
    #expect("\(failure, default: "")".contains("hypothesis"))
  }

  @Test func theFolderTellsHowTheModelCameToBe() throws {
    let directory = try TemporaryDirectory()
    let options = Self.options(directory)
    let record = try DistillationJob(options: options, examples: Self.rows(60)).run()
    #expect(record.history.count == 6)
    #expect(record.evaluations.map(\.step) == [2, 4, 6])
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    let saved = try decoder.decode(
      TrainingRecord.self, from: Data(contentsOf: URL(filePath: options.output + "/training.json")))
    #expect(saved.history == record.history)
    #expect(saved.data.sources == ["threats": 30, "<greetings>": 30])

    let page = try String(contentsOfFile: options.output + "/training.html", encoding: .utf8)
    #expect(page.components(separatedBy: "<svg").count == 5, "four charts")
    #expect(page.contains("&lt;greetings&gt;") && !page.contains("<greetings>"))
    #expect(!page.contains("http"), "it needs nothing else")
    #expect(!FileManager.default.fileExists(atPath: options.output + ".training"))
  }

  /// A model that reads folded texts is trained on them, and those that start from it are, too.
  @Test func foldedTextsAreInherited() throws {
    let directory = try TemporaryDirectory()
    func trained(_ name: String, on rows: [LabelledExample], from base: String, folds: Bool) throws
      -> DistillationJob.Options
    {
      var options = Self.options(directory)
      (options.base, options.output, options.foldsText) = (base, directory.path + name, folds)
      let record = try DistillationJob(options: options, examples: rows).run()
      #expect(record.foldsText == (folds || base != Self.base ? true : nil))
      return options
    }
    let plain = Self.rows(40)
    let hidden = plain.map { row in
      var row = row
      row.prompt = row.prompt.replacing("o", with: "\u{043E}")
      return row
    }
    let first = try trained("/folding", on: hidden, from: Self.base, folds: true)
    #expect(try ModelDescription.read(folder: first.output)?.foldsText == true)
    let second = try trained("/child", on: hidden, from: first.output, folds: false)
    #expect(try ModelDescription.read(folder: second.output)?.foldsText == true)
    let literal = try trained("/literal", on: hidden, from: Self.base, folds: false)
    #expect(try ModelDescription.read(folder: literal.output)?.foldsText != true)
    #expect(try Self.weights(literal.output) != Self.weights(first.output))
  }

  /// What linear maps multiply is kept with the model, and a training goes on with that only.
  @Test func aTrainingGoesOnInItsPrecision() throws {
    let directory = try TemporaryDirectory()
    var options = Self.options(directory)
    options.recipe.take(.bf16)
    let steps = Atomic(0)
    #expect(throws: LearningFailure.self) {
      try DistillationJob(options: options, examples: Self.rows(60)).run(
        shouldStop: { steps.wrappingAdd(1, ordering: .relaxed).newValue == 3 })
    }
    var others = options
    others.recipe.take(.fp32)
    let failure = #expect(throws: LearningFailure.self) {
      try DistillationJob(options: others, examples: Self.rows(60)).run()
    }
    #expect(failure.map { "\($0)".contains("other data, recipe or model") } == true)
    let record = try DistillationJob(options: options, examples: Self.rows(60)).run()
    #expect(record.recipe.precision == .bf16 && record.history.count == 6)
    let saved = try Data(contentsOf: URL(filePath: options.output + "/training.json"))
    #expect(String(decoding: saved, as: UTF8.self).contains(#""precision" : "bf16""#))
  }

  /// A share of the rows is changed before it is trained on, by the seed; held-out rows are not.
  @Test func aShareIsHardened() throws {
    let directory = try TemporaryDirectory()
    func record(_ share: Double?, seed: UInt64 = 1) throws -> TrainingRecord {
      var options = Self.options(directory)
      options.output = directory.path + "/\(UUID())"
      options.recipe.evadedShare = share
      options.recipe.seed = seed
      options.recipe.learningRate = 1e-9
      return try DistillationJob(options: options, examples: Self.rows(200)).run()
    }
    let (none, some, all) = (try record(nil), try record(0.3), try record(1))
    let tokens = [none, some, all].map { $0.history.reduce(0) { $0 + $1.tokens } }
    #expect(tokens[0] < tokens[1] && tokens[1] < tokens[2])
    #expect(try record(0.3).history == some.history, "the seed decides")
    #expect(try record(0.3, seed: 2).history != some.history)
    // At this rate the model stays what it was, and judges the same texts.
    let losses = [none, some, all].compactMap { $0.evaluations.last?.loss }
    #expect(losses.allSatisfy { abs($0 - losses[0]) < 1e-4 })
    #expect(some.recipe.evadedShare == 0.3)
  }

  /// Dropout is the model's own unless somebody says otherwise.
  @Test func theModelTellsItsDropout() throws {
    let directory = try TemporaryDirectory()
    let base = URL(filePath: directory.path + "/base")
    try FileManager.default.copyItem(at: URL(filePath: Self.base), to: base)
    let file = base.appending(path: "config.json")
    let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file))
    var settings = try #require(json as? [String: Any])
    settings["hidden_dropout_prob"] = 0.25
    settings["attention_probs_dropout_prob"] = 0.5
    try JSONSerialization.data(withJSONObject: settings).write(to: file)
    var options = Self.options(directory)
    options.base = base.path
    func losses(_ name: String) throws -> (TrainingRecipe, [Double]) {
      options.output = directory.path + "/" + name
      let record = try DistillationJob(options: options, examples: Self.rows(60)).run()
      return (record.recipe, record.history.map(\.loss))
    }
    let (recipe, dropping) = try losses("model")
    #expect(recipe.hiddenDropout == 0.25 && recipe.attentionDropout == 0.5)
    #expect(recipe.classifierDropout == 0.25, "as that of states")
    options.keepsRecipesDropout = true
    options.recipe.hiddenDropout = 0
    let (kept, other) = try losses("recipe")
    #expect(kept.hiddenDropout == 0 && kept.attentionDropout == 0.1)
    #expect(dropping != other)
  }

  @Test func anExistingOutputIsLeftAlone() throws {
    let directory = try TemporaryDirectory()
    var options = Self.options(directory)
    options.output = directory.path
    let job = DistillationJob(options: options, examples: Self.rows(60))
    #expect(throws: LearningFailure.output("\(directory.path): exists already")) { try job.run() }
  }

  @Test func oneClassIsTooLittle() throws {
    let directory = try TemporaryDirectory()
    let rows = Self.rows(60).filter(\.isUnsafe)
    let job = DistillationJob(options: Self.options(directory), examples: rows)
    #expect(throws: LearningFailure.tooLittleData("training needs examples of both classes")) {
      try job.run()
    }
  }

  /// Stopped at every chance, it still ends with the weights of an undisturbed training.
  @Test func aStoppedTrainingGoesOn() throws {
    let (calm, disturbed) = (try TemporaryDirectory(), try TemporaryDirectory())
    let rows = Self.rows(60)
    for directory in [calm, disturbed] {
      var options = Self.options(directory)
      options.teachers = [Self.base]
      options.recipe.teacherTemperature = 1
      let job = DistillationJob(options: options, examples: rows)
      var stops = 0
      while true {
        do throws(LearningFailure) {
          _ = try job.run(shouldStop: { directory === disturbed })
          break
        } catch {
          try #require(error == .stopped)
          stops += 1
        }
      }
      #expect(stops == (directory === disturbed ? 6 : 0), "one for the teacher, five steps")
    }
    #expect(try Self.weights(calm.path + "/new") == Self.weights(disturbed.path + "/new"))
  }

  /// A teacher's opinion is that of `evaluate`, and a label that has one already keeps it.
  @Test func modelsTeach() throws {
    let directory = try TemporaryDirectory()
    var rows = Self.rows(60)
    rows[0].teacherScore = 0.25
    let pool = WorkerPool(workers: 1)
    let model = try DatasetScorer.load(model: Self.base, pool: pool)
    let scores = try DatasetScorer(model: model).score(Array(rows[1...]), name: "rows").rows
    var judged = rows
    for (place, row) in scores.enumerated() { judged[place + 1].teacherScore = row.score }

    var options = Self.options(directory)
    options.recipe.teacherTemperature = 1
    let given = try DistillationJob(options: options, examples: judged).run()
    let weights = try Self.weights(options.output)
    options.output += "-taught"
    options.teachers = [Self.base]
    let heard = Mutex(0)
    let taught = try DistillationJob(options: options, examples: rows).run(show: { progress in
      if case .scoring(_, _, of: 59) = progress { heard.withLock { $0 += 1 } }
    })
    #expect(heard.withLock { $0 } > 0)
    #expect(taught.teachers == [model.model])
    #expect(taught.history == given.history)
    #expect(try Self.weights(options.output) == weights)
  }

  /// What a teacher said once is not asked again, and new examples are.
  @Test func opinionsAreKept() throws {
    let directory = try TemporaryDirectory()
    var options = Self.options(directory)
    options.teachers = [Self.base]
    options.teacherOpinions = directory.path + "/opinions.json"
    let output = options.output
    let asked = Mutex<[Int]>([])
    for (number, count) in [40, 60, 60].enumerated() {
      options.output = output + "\(number)"
      _ = try DistillationJob(options: options, examples: Self.rows(count)).run(show: { progress in
        if case .scoring(_, let done, of: _) = progress { asked.withLock { $0.append(done) } }
      })
    }
    #expect(asked.withLock { $0 } == [0, 40])
    try Data("{".utf8).write(to: URL(filePath: directory.path + "/opinions.json"))
    options.output = output + "-bad"
    let job = DistillationJob(options: options, examples: Self.rows(60))
    #expect(throws: LearningFailure.self) { try job.run() }
  }

  @Test func aTeacherThatIsMissingIsNamed() throws {
    let directory = try TemporaryDirectory()
    var options = Self.options(directory)
    options.teachers = ["/nowhere/teacher"]
    let job = DistillationJob(options: options, examples: Self.rows(60))
    do throws(LearningFailure) {
      _ = try job.run()
      Issue.record("there is no such teacher")
    } catch {
      #expect(error.description.contains("/nowhere/teacher"))
    }
  }
}
