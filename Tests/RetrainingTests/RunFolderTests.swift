import Foundation
import ModelRegistry
import Retraining
import TestSupport
import Testing

/// A run's files, and which run is gone on with.
@Suite struct RunFolderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func plan(_ startedAt: Int) throws -> RunFolder.Plan {
    RunFolder.Plan(
      startedAt: startedAt, labelsUntil: 5,
      champion: try #require(ModelVersion("2026-01-01T00-00-00Z-00000001")), seed: nil,
      goldDigest: "g", settings: "s")
  }

  @Test func theNewestRunWithoutAnOutcomeIsGoneOnWith() throws {
    #expect(RunFolder.unfinished(in: directory.path) == nil)
    let first = try RunFolder.begin(in: directory.path, try plan(1_000))
    #expect(RunFolder.unfinished(in: directory.path)?.path == first.path)
    #expect(first.plan == (try plan(1_000)))
    #expect(first.plan?.drawingSeed == 1_000)
    try first.write(["kind": "rejected"], to: first.outcome)
    #expect(RunFolder.unfinished(in: directory.path) == nil)
    let second = try RunFolder.begin(in: directory.path, try plan(2_000))
    #expect(RunFolder.unfinished(in: directory.path)?.path == second.path)
    #expect(RunFolder.all(in: directory.path).map(\.path) == [first.path, second.path])
  }

  @Test func aRunThatACrashLeftWithoutAPlanIsNotGoneOnWith() throws {
    let run = try RunFolder.begin(in: directory.path, try plan(1_000))
    try Data("{\"startedAt\": 1".utf8).write(to: URL(filePath: run.path + "/plan.json"))
    #expect(RunFolder.unfinished(in: directory.path) == nil)
  }

  @Test func whatEndedKeepsNoTextsAndOldRunsGo() throws {
    var runs: [RunFolder] = []
    for number in 1...5 {
      let run = try RunFolder.begin(in: directory.path, try plan(number * 1_000))
      for file in [run.train, run.validation, run.fresh, run.dataset] {
        try run.write(Data("text".utf8), to: file)
      }
      if number != 2 { try run.write(["kind": "rejected"], to: run.outcome) }
      runs.append(run)
    }
    runs[4].removeBulk()
    let names = try FileManager.default.contentsOfDirectory(atPath: runs[4].path).sorted()
    #expect(names == ["dataset.json", "outcome.json", "plan.json"])
    RunFolder.prune(in: directory.path, keep: 2)
    #expect(
      RunFolder.all(in: directory.path).map(\.path) == [runs[1], runs[3], runs[4]].map(\.path),
      "one that has not ended stays")
  }

  @Test func textsAreForTheirOwnerOnly() throws {
    let run = try RunFolder.begin(in: directory.path, try plan(1_000))
    let attributes = try FileManager.default.attributesOfItem(atPath: run.path)
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
  }
}
