import Datasets
import Evaluation
import Foundation
import Metrics
import ModelRegistry
import Tensors
import TestSupport
import Testing

@Suite struct EvaluatorTests {
  private let directory: TemporaryDirectory
  private let pool = WorkerPool(workers: 1)

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ name: String, _ examples: [LabelledExample]) throws -> String {
    let path = "\(directory.path)/\(name)"
    try examples.map(DatasetFile.line).reduce(Data(), +).write(to: URL(filePath: path))
    return path
  }

  private func examples(_ range: Range<Int>) -> [LabelledExample] {
    range.map { index in
      let words = ["stone", "river", "quick fox", "lazy dog", "deep forest"]
      let text = (0...index).map { words[($0 * index + index) % 5] }.joined(separator: " ")
      return LabelledExample(
        id: "row-\(index)", prompt: "secretword \(text)",
        response: index % 3 == 0 ? "answerword \(index)" : nil, isUnsafe: index % 4 < 2,
        source: index % 2 == 0 ? "even" : "odd")
    }
  }

  private func modelFolder() throws -> String {
    let folder = "\(directory.path)/model"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors", "spm.model", "tokenizer_config.json"] {
      try FileManager.default.copyItem(
        at: GoldenCase.url("v3-style").appending(path: name),
        to: URL(filePath: folder).appending(path: name))
    }
    return folder
  }

  @Test func scoresAreThoseOfTheReference() throws {
    let cases = try GoldenCase.load("v3-style")
    let model = try DatasetScorer.load(model: GoldenCase.url("v3-style").path, pool: pool)
    let rows = cases.map {
      LabelledExample(id: $0.id, prompt: $0.prompt, response: $0.response, isUnsafe: true)
    }
    var progress: [ScoringProgress] = []
    let set = try DatasetScorer(model: model, truncates: true).score(rows, name: "golden") {
      progress.append($0)
    }
    for (row, golden) in zip(set.rows, cases) where golden.response != "" {
      #expect(abs(row.score - golden.p_unsafe) < 1e-5, "\(golden.id)")
      #expect(row.tokens == golden.token_ids.count, "\(golden.id)")
    }
    #expect(progress.last.map { $0.tokens == $0.tokensTotal } == true)
    #expect(zip(progress, progress.dropFirst()).allSatisfy { $0.tokens < $1.tokens })
  }

  /// What the daemon would not judge is not measured.
  @Test func aModelForPromptsJudgesNoResponses() throws {
    let guardModel = SourceTree.url("Tests/Fixtures/guards/protectai-v1").path
    let model = try DatasetScorer.load(model: guardModel, pool: pool)
    let prompts = examples(0..<6)
    let rows = try DatasetScorer(model: model).score(prompts, name: "all").rows
    let alone = try DatasetScorer(model: model).score(
      prompts.map { LabelledExample(id: $0.id, prompt: $0.prompt, isUnsafe: $0.isUnsafe) },
      name: "prompts"
    ).rows
    #expect(prompts.contains { $0.response != nil })
    #expect(rows.map(\.tokens) == alone.map(\.tokens))
    var evaluator = Evaluator(model: guardModel, data: [try write("gold.jsonl", prompts)])
    evaluator.options.bootstrap = Bootstrap(replicates: 0, seed: 1)
    let report = try evaluator.run(pool: pool) { _ in }
    #expect(report.judgesPromptsOnly && report.text.contains("prompts only"))
  }

  @Test func theHighestWindowOfALongTextCounts() throws {
    let model = try DatasetScorer.load(model: GoldenCase.url("v3-style").path, pool: pool)
    let text = String(repeating: "the quick fox runs over stones ", count: 400)
    let rows = [LabelledExample(id: "1", prompt: text, isUnsafe: true)]
    let row = try DatasetScorer(model: model).score(rows, name: "long").rows[0]
    #expect(row.windows > 1)
    let pieces = model.encoder.pieces(of: text)
    let margins = try model.readings(try model.encoder.promptSequences(pieces)).map(\.margin)
    #expect(row.windows == margins.count)
    #expect(abs(row.margin - (try #require(margins.max()))) < 1e-5)
    let cut = try DatasetScorer(model: model, truncates: true).score(rows, name: "cut").rows[0]
    #expect(cut.windows == 1 && cut.tokens == model.encoder.windowTokens)
  }

  @Test func reportsHoldNoText() throws {
    var evaluator = Evaluator(
      model: try modelFolder(), data: [try write("gold.jsonl", examples(0..<40))])
    evaluator.options.bootstrap = Bootstrap(replicates: 20, seed: 1)
    var shares: [Double] = []
    let report = try evaluator.run(pool: pool) { shares.append($0.share) }
    let folder = "\(directory.path)/out/deep"
    try EvaluationReport.prepare(folder: folder)
    try report.write(to: folder)
    #expect(shares == shares.sorted() && abs((shares.last ?? 0) - 1) < 1e-9)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(files == ["report.html", "report.json"])
    for text in [report.text] + files.map({ directory.text(of: "out/deep/\($0)") }) {
      #expect(text.contains("gold"))
      for word in ["secretword", "answerword", "forest"] { #expect(!text.contains(word)) }
    }
  }

  @Test func aFitIsStoredAndUsed() throws {
    let gold = try write("gold.jsonl", examples(0..<40))
    var evaluator = Evaluator(model: try modelFolder(), data: [gold])
    evaluator.options.bootstrap = Bootstrap(replicates: 0, seed: 1)
    let plain = try evaluator.run(pool: pool) { _ in }
    // Ten rows of the fit are evaluated too, which the report must say.
    evaluator.fitData = [try write("held-out.jsonl", examples(30..<80))]
    evaluator.falsePositiveRate = 0.2
    let fitted = try evaluator.run(pool: pool) { _ in }
    #expect(fitted.rowsSharedWithFit == 10)
    #expect(fitted.page.contains("10 of these rows were also used"))
    let stored = try #require(
      try ModelDescription.read(folder: evaluator.model)?.calibration)
    #expect(stored == fitted.calibration && stored == fitted.fit?.calibration)
    #expect(stored.falsePositiveRate == 0.2 && stored.fittedOn?.rows == 50)
    #expect(fitted.model != plain.model)
    // A temperature moves no score across one half and changes no order.
    #expect(
      fitted.sets[0].measurement.values[.f1] == plain.sets[0].measurement.values[.f1])
    #expect(
      fitted.sets[0].measurement.values[.expectedCalibrationError]
        != plain.sets[0].measurement.values[.expectedCalibrationError])
  }

  @Test func aVersionOfARegistryIsNotFitted() throws {
    let folder = try modelFolder()
    let registry = ModelRegistry(path: directory.path + "/models")
    let version = try registry.register(
      ModelCandidate(folder: folder, hash: "0123456789abcdef"), by: "test", reason: "test"
    ).version
    let gold = try write("gold.jsonl", examples(0..<40))
    var evaluator = Evaluator(model: registry.folder(of: version), data: [gold])
    evaluator.fitData = [try write("held-out.jsonl", examples(40..<80))]
    var scored = 0
    let error = #expect(throws: EvaluationFailure.self) {
      try evaluator.run(pool: pool) { _ in scored += 1 }
    }
    #expect(error?.exitStatus == .data && scored == 0)
    #expect(error?.description.contains("copy it under another name") == true)
    #expect(try registry.problems(of: version) == [])
    #expect(try ModelDescription.read(folder: evaluator.model)?.calibration == nil)
  }

  @Test func aModelEqualsItself() throws {
    var evaluator = Evaluator(
      model: try modelFolder(), data: [try write("gold.jsonl", examples(0..<20))])
    evaluator.baseline = evaluator.model
    evaluator.options.bootstrap = Bootstrap(replicates: 20, seed: 1)
    let comparison = try #require(try evaluator.run(pool: pool) { _ in }.comparison)
    #expect(comparison.differences[0].values.allSatisfy { $0.difference == 0 && $0.pValue == 1 })
  }

  @Test func badDataIsNamedWithFileAndLine() throws {
    let path = "\(directory.path)/bad.jsonl"
    try Data("{\"prompt\": \"p\", \"label\": 0}\n{\"prompt\": \"p\"}\n".utf8)
      .write(to: URL(filePath: path))
    let model = try modelFolder()
    let bad = #expect(throws: EvaluationFailure.self) {
      try Evaluator(model: model, data: [path]).run(pool: pool) { _ in }
    }
    #expect(bad?.description == "\(path):2: label is missing")
    let empty = try write("empty.jsonl", [])
    let none = #expect(throws: EvaluationFailure.self) {
      try Evaluator(model: model, data: [empty]).run(pool: pool) { _ in }
    }
    #expect(none?.description == "\(empty): has no rows")
  }

  @Test func aFolderThatCannotBeMadeIsNamed() throws {
    let file = try write("file", [])
    let error = #expect(throws: EvaluationFailure.self) {
      try EvaluationReport.prepare(folder: "\(file)/out")
    }
    #expect(error?.description == "\(file)/out: cannot be made: Not a directory")
  }
}
