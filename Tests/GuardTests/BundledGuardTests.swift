import Guard
import Pipeline
import Records
import Settings
import Tensors
import TestSupport
import Testing

/// The guard model that comes with the program.
@Suite struct BundledGuardTests {
  @Test func itIsNamedAndFound() throws {
    let folder = try ModelSettings().folder
    #expect(try #require(BundledGuard.folder) == folder && folder.hasPrefix("/"))
    #expect(try ModelSettings(path: "bundled/").folder == "bundled/", "a folder of that name")
  }

  /// Settings that name no model get it, under its own name.
  @Test func itJudges() throws {
    let model = try GuardModel(settings: ModelSettings(), pool: WorkerPool(workers: 1))
    #expect(model.model.hasPrefix(BundledGuard.name + "@"))
    let sequences = try model.sequences(for: Exchange(prompt: "How do I bake bread?"))
    let judgement = try #require(try model.judge([sequences]).first)
    #expect((0...1).contains(judgement.score.rawValue))
  }
}
