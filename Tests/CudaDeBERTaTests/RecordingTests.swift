import CudaDeBERTa
import CudaDevice
import DeBERTa
import Foundation
import Synchronization
import TestSupport
import Testing

extension EmulatedGPUTests {
  /// Work of small batches that is recorded and replayed, and what happens where that fails.
  @Suite struct RecordingTests {
    /// What a model says of itself while it judges.
    private final class Reports: Sendable {
      let lines = Mutex<[String]>([])
    }

    private static let folder = "v3-style"
    /// Where recorded work may go wrong, and what is then said of it.
    private static let steps = [
      "begin": "cuStreamBeginCapture", "work": "cuLaunchKernel", "end": "cuStreamEndCapture",
      "instantiate": "cuGraphInstantiate", "launch": "cuGraphLaunch", "replay": "cuGraphLaunch",
    ]

    private func model(
      on cuda: EmulatedCuda, _ reports: Reports = Reports()
    ) throws -> CudaClassifier {
      let engine = try CudaEngine(
        ordinal: 0, search: LibrarySearch(only: [cuda.path]),
        environment: ["XDG_CACHE_HOME": cuda.path])
      return try CudaClassifier(
        try LoadedModel(folder: GoldenCase.url(Self.folder).path, pool: EmulatedModel.pool),
        precision: .fp16, engine: engine,
        slowed: { line in reports.lines.withLock { $0.append(line) } })
    }

    private func texts() throws -> [[Int32]] {
      try GoldenCase.load(Self.folder).map(\.token_ids).filter { $0.count < 100 }
    }

    /// Launched, recorded with a first replay, replayed: on both lanes, each shape by itself. No
    /// batch after that is recorded.
    @Test func warmingUpRunsEachShapeThreeTimesOnEachLane() throws {
      let cuda = try EmulatedCuda()
      let reports = Reports()
      let model = try model(on: cuda, reports)
      _ = cuda.takeJournal()
      try model.warmUp()
      let journal = cuda.takeJournal()
      let launched = Dictionary(grouping: journal.filter { $0.what == "launched" }, by: \.stream)
      let replayed = Dictionary(grouping: journal.filter { $0.what == "replayed" }, by: \.stream)
      // Four rows a block: 64 tokens to 1,024.
      let shapes = ["16", "32", "64", "128", "256"]
      #expect(launched.count == 2 && Set(launched.keys) == Set(replayed.keys))
      for pass in launched.values { #expect(pass.map(\.number) == shapes) }
      #expect(
        journal.filter { $0.what == "recorded" }.map(\.number)
          == shapes.flatMap { [$0, $0] })
      for pass in replayed.values {
        let counts = Dictionary(grouping: pass, by: \.number).values.map(\.count)
        #expect(counts == [2, 2, 2, 2, 2])
      }
      for text in try texts() { _ = try model.classify(TokenBatch([text])) }
      #expect(cuda.takeJournal().allSatisfy { ["replayed", "slept"].contains($0.what) })
      #expect(reports.lines.withLock { $0 } == [])
    }

    /// In traffic, without having warmed up.
    @Test(arguments: steps.keys.sorted())
    func workThatCannotBeRecordedIsLaunched(step: String) throws {
      let texts = try texts()
      let whole = try model(on: EmulatedCuda())
      let expected = try texts.map { try whole.classify(TokenBatch([$0])) }
      let cuda = try EmulatedCuda(graphs: step)
      let reports = Reports()
      let model = try model(on: cuda, reports)
      for _ in 0..<3 {
        for (text, expected) in zip(texts, expected) {
          #expect(try model.classify(TokenBatch([text])) == expected)
        }
      }
      try check(reports, step)
      _ = cuda.takeJournal()
      for text in texts { _ = try model.classify(TokenBatch([text])) }
      #expect(cuda.takeJournal().map(\.what) == texts.flatMap { _ in ["launched", "slept"] })
    }

    /// And nothing is tried again afterwards, on either lane.
    @Test(arguments: steps.keys.sorted())
    func warmingUpGoesOnWithoutRecording(step: String) throws {
      let cuda = try EmulatedCuda(graphs: step)
      let reports = Reports()
      let model = try model(on: cuda, reports)
      try model.warmUp()
      try check(reports, step)
      _ = cuda.takeJournal()
      let texts = try texts()
      let found = try model.classify(TokenBatch(texts))
      #expect(cuda.takeJournal().allSatisfy { ["launched", "slept"].contains($0.what) })
      let expected = try self.model(on: EmulatedCuda()).classify(TokenBatch(texts))
      for (expected, found) in zip(expected, found) {
        #expect(abs(expected.unsafeProbability - found.unsafeProbability) < 1e-3)
      }
    }

    /// A replay that leaves what was there before is seen, since two batches take turns.
    @Test func replaysThatComputeNothingAreNoLongerUsed() throws {
      let reports = Reports()
      let texts = try texts()
      let cuda = try EmulatedCuda(graphs: "nothing")
      defer { withExtendedLifetime(cuda) {} }
      let model = try model(on: cuda, reports)
      try model.warmUp()
      let lines = reports.lines.withLock { $0 }
      #expect(lines.count == 1 && lines[0].contains("other scores"), "\(lines)")
      let alone = try texts.map { try model.classify(TokenBatch([$0]))[0] }
      let again = try texts.map { try model.classify(TokenBatch([$0]))[0] }
      #expect(alone == again && Set(alone.map(\.unsafe)).count > 1)
    }

    private func check(_ reports: Reports, _ step: String) throws {
      let lines = reports.lines.withLock { $0 }
      let function = try #require(Self.steps[step])
      #expect(lines.count == 1 && lines[0].contains(function), "\(step): \(lines)")
    }
  }
}
