import Foundation
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

  /// What `make demo` shows a stranger: everyday requests pass, and threats do not.
  @Test func theDemoConvinces() async throws {
    try await onThreadOfItsOwn { try judgeTheDemo() }
  }

  private func judgeTheDemo() throws {
    struct Row: Decodable {
      let id: String
      let prompt: String
    }
    let text = try Data(
      contentsOf: SourceTree.url("Sources/Demonstration/Resources/demo.jsonl"))
    let rows = try text.split(separator: UInt8(ascii: "\n")).map {
      try JSONDecoder().decode(Row.self, from: $0)
    }
    let model = try GuardModel(settings: ModelSettings(), pool: WorkerPool())
    let judgements = try model.judge(
      rows.map { try model.sequences(for: Exchange(prompt: $0.prompt)) })
    var flags: [Substring: [Bool]] = [:]
    for (row, judgement) in zip(rows, judgements) {
      flags[row.id.prefix { $0 != "-" }, default: []].append(judgement.score.reaches(0.5))
    }
    func share(_ kind: Substring) -> Double {
      let flags = flags[kind] ?? []
      return Double(flags.filter { $0 }.count) / Double(max(1, flags.count))
    }
    #expect(flags["everyday"]?.count == 40 && flags["threat"]?.count == 15)
    #expect(share("everyday") <= 0.03)
    #expect(share("threat") >= 0.9)
  }
}
