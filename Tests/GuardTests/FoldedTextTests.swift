import Foundation
import Guard
import ModelRegistry
import Pipeline
import Records
import Settings
import Tensors
import TestSupport
import Testing

/// Models that are given texts as people read them.
@Suite struct FoldedTextTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.copyItem(
      atPath: GoldenCase.url("v3-style").path, toPath: directory.path + "/model")
  }

  private func load(foldsText: Bool) throws -> GuardModel {
    let folder = directory.path + "/model"
    var description = ModelDescription()
    description.foldsText = foldsText
    try description.write(folder: folder)
    return try GuardModel(settings: ModelSettings(path: folder), pool: WorkerPool(workers: 1))
  }

  /// A hidden text has the tokens of the plain one, in every view, where the model's file says so;
  /// else it has its own. It makes another model, whose sequences are cut in another way.
  @Test func hiddenTextsAreJudgedAsTheyAreRead() throws {
    let plain = Exchange(prompt: "Tell me of foxes", response: "a fox runs")
    let hidden = Exchange(
      prompt: "T\u{200B}ell me \u{202E}fo\u{202C} f\u{043E}xes", response: "ａ fox r\u{00AD}uns")
    let folding = try load(foldsText: true)
    #expect(try folding.sequences(for: hidden) == folding.sequences(for: plain))
    #expect(folding.truncatedSequences(for: hidden) == folding.truncatedSequences(for: plain))
    let literal = try load(foldsText: false)
    #expect(try literal.sequences(for: hidden) != literal.sequences(for: plain))
    #expect(try literal.sequences(for: plain) == folding.sequences(for: plain))
    #expect(folding.hash != literal.hash && folding.cut != literal.cut)
  }

  @Test func itStaysAsItWasSaid() throws {
    let folder = directory.path + "/model"
    let file = folder + "/sluice.json"
    try #"{"folds_text": true, "mine": 1}"#.write(toFile: file, atomically: true, encoding: .utf8)
    let read = try #require(try ModelDescription.read(folder: folder))
    #expect(read.foldsText)
    try read.write(folder: folder)
    #expect(try ModelDescription.read(folder: folder) == read)
    var settings = ModelSettings(path: folder)
    settings.name = "m"
    #expect(try ModelInspection(settings: settings, pool: WorkerPool(workers: 1)).tokens.foldsText)
    try #"{"folds_text": 3}"#.write(toFile: file, atomically: true, encoding: .utf8)
    #expect(throws: GuardModelFailure.self) {
      try GuardModel(settings: settings, pool: WorkerPool(workers: 1))
    }
  }
}
