import Files
import Foundation
import ModelRegistry
import Retraining
import TestSupport
import Testing

@Suite struct RunFolderTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path }

  init() throws { directory = try TemporaryDirectory() }

  private func plan(_ startedAt: Int = 1_795_486_385) throws -> RunFolder.Plan {
    RunFolder.Plan(
      startedAt: startedAt, labelsUntil: 7,
      champion: try #require(ModelVersion("2026-11-23T02-13-05Z-3f9c2a1b")), seed: nil,
      goldDigest: "gold", settings: "settings")
  }

  @Test func aRunIsUnfinishedUntilItHasAnOutcome() throws {
    #expect(RunFolder.unfinished(in: path) == nil)
    let run = try RunFolder.begin(in: path, try plan())
    #expect(run.path == path + "/runs/2026-11-24T02-13-05Z")
    #expect(RunFolder.unfinished(in: path)?.path == run.path)
    let plan = try plan()
    #expect(RunFolder.unfinished(in: path)?.plan == plan)
    #expect(run.plan?.drawingSeed == 1_795_486_385, "a run without a seed draws by its time")
    try run.write(["whatever"], to: run.outcome)
    #expect(RunFolder.unfinished(in: path) == nil)
  }

  @Test func onlyTheNewestRunIsGoneOnWith() throws {
    let old = try RunFolder.begin(in: path, try plan())
    let new = try RunFolder.begin(in: path, try plan(1_795_486_386))
    #expect(RunFolder.unfinished(in: path)?.path == new.path)
    #expect(RunFolder.all(in: path).map(\.path) == [old.path, new.path])
    try new.write([1], to: new.outcome)
    #expect(RunFolder.unfinished(in: path) == nil)
  }

  @Test func textsAndWeightsOfOthersCanBeRead() throws {
    let run = try RunFolder.begin(in: path, try plan())
    let rights = try FileManager.default.attributesOfItem(atPath: run.path)[.posixPermissions]
    #expect(rights as? Int == 0o700, "by no other user")
  }

  @Test func aCrashAtTheBeginningLeavesNoRunOrAWholeOne() throws {
    for step in 1...20 {
      let crash = CrashPoint(after: step)
      let folder = "\(path)/\(step)"
      let files = DurableFiles(afterStep: crash.afterStep)
      let begun = try? RunFolder.begin(in: folder, try plan(), files: files)
      let plan = try plan()
      #expect(RunFolder.unfinished(in: folder).map { $0.plan == plan } ?? true, "\(step)")
      if begun != nil {
        #expect(step > 3)
        return
      }
    }
    Issue.record("it never began")
  }

  @Test func whatCannotBeReadIsThereForNothing() throws {
    let run = try RunFolder.begin(in: path, try plan())
    for text in ["", "{", #"{"rows": "many"}"#] {
      try run.write(Data(text.utf8), to: run.dataset)
      let summary: RetrainDataset.Summary? = run.read(run.dataset)
      #expect(summary == nil)
    }
    try run.write(Data("{}".utf8), to: run.path + "/plan.json")
    #expect(run.plan == nil && RunFolder.unfinished(in: path) == nil)
  }

  @Test func textsAndWeightsGoAndWhatTellsOfTheRunStays() throws {
    let run = try RunFolder.begin(in: path, try plan())
    for file in [run.train, run.validation, run.fresh, run.dataset, run.gate] {
      try run.write([1], to: file)
    }
    for folder in [run.candidate, run.candidate + ".training"] {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    }
    run.removeBulk()
    let names = try FileManager.default.contentsOfDirectory(atPath: run.path).sorted()
    #expect(names == ["dataset.json", "gate.json", "plan.json"])
  }

  @Test func theOldestRunsThatHaveEndedGo() throws {
    var runs: [RunFolder] = []
    for number in 0..<5 {
      let run = try RunFolder.begin(in: path, try plan(1_795_486_385 + number))
      if number != 1 { try run.write([1], to: run.outcome) }
      runs.append(run)
    }
    RunFolder.prune(in: path, keep: 2)
    #expect(RunFolder.all(in: path).map(\.path) == [runs[1], runs[3], runs[4]].map(\.path))
    RunFolder.prune(in: path, keep: 9)
    #expect(RunFolder.all(in: path).count == 3)
  }
}
