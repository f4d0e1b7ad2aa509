import Guard
import Pipeline
import Records
import Settings
import Synchronization
import Tensors
import TestSupport
import Testing
import Threading

/// What takes long is judged some windows at a time, and others go on in between.
@Suite struct JudgingInTurnsTests {
  private static let folder = SourceTree.url("Tests/Fixtures/guard-tiny").path

  private func model(threads: Int = 1) throws -> GuardModel {
    try GuardModel(
      settings: ModelSettings(path: Self.folder),
      device: InferenceDevice(pool: WorkerPool(workers: threads)))
  }

  /// An exchange of many windows.
  private func longExchange(_ model: GuardModel, words: Int) throws -> ExchangeSequences {
    let text = (0..<words).map { "word\($0)" }.joined(separator: " ")
    return try model.sequences(for: Exchange(prompt: text))
  }

  @Test(arguments: [1, 2]) func judgementsAreThoseAtOnce(threads: Int) throws {
    let model = try model(threads: threads)
    let exchanges = [
      try longExchange(model, words: 3_000),
      try model.sequences(for: Exchange(prompt: "How do I bake bread?", response: "Like this.")),
    ]
    #expect(exchanges[0].windows > 8)
    let atOnce = try model.judge(exchanges)
    let inTurns = try model.judgeInTurns(exchanges)
    for (one, other) in zip(atOnce, inTurns) {
      #expect(abs(one.score.rawValue - other.score.rawValue) < 1e-6)
      #expect((one.tokens, one.windows) == (other.tokens, other.windows))
    }
  }

  @Test func othersAreJudgedInBetween() throws {
    let model = try model()
    let long = try longExchange(model, words: 6_000)
    let short = try model.sequences(for: Exchange(prompt: "How do I bake bread?"))
    let isOver = Atomic<Bool>(false)
    let hasStarted = Atomic<Bool>(false)
    let thread = BlockingThread(name: "long") {
      hasStarted.store(true, ordering: .releasing)
      for _ in 0..<4 { _ = try? model.judgeInTurns([long]) }
      isOver.store(true, ordering: .releasing)
    }
    while !hasStarted.load(ordering: .acquiring) {}
    var shorts = 0
    while !isOver.load(ordering: .acquiring) {
      _ = try model.judge([short])
      shorts += 1
    }
    thread.join()
    #expect(shorts >= 4 * long.windows / 2, "one after about each window")
  }
}
