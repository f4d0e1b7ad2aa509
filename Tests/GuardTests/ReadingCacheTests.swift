import Basics
import Guard
import Pipeline
import Settings
import Tensors
import TestSupport
import Testing

/// What is not computed again, and that nobody can tell by the scores.
@Suite struct ReadingCacheTests {
  private static let folder = SourceTree.url("Tests/Fixtures/guard-tiny").path

  private func model(
    _ cache: ReadingCache?, precision: [ProductFormat] = [], folder: String = folder
  ) throws -> GuardModel {
    try GuardModel(
      settings: ModelSettings(path: folder),
      device: InferenceDevice(pool: WorkerPool(workers: 1), formats: precision), cache: cache)
  }

  private func margins(
    _ model: GuardModel, _ sequences: [TokenSequence]
  ) throws -> [Double] {
    try model.readings(sequences).map(\.margin)
  }

  private func sequence(_ number: Int) -> TokenSequence {
    [1, Int32(10 + number), 20, 2]
  }

  @Test func whatComesAgainIsNotComputedAgain() throws {
    let cache = ReadingCache(entriesMax: 100)
    let model = try model(cache)
    let plain = try self.model(nil)
    let sequences = [0, 1, 0, 2, 1, 0].map(sequence)
    let expected = try margins(plain, sequences)
    for (found, exact) in zip(try margins(model, sequences), expected) {
      #expect(abs(found - exact) < 1e-6)
    }
    #expect(cache.figures == .init(computed: 3, repeated: 3, remembered: 0))
    let again = try margins(model, [3, 2, 1, 0, 3].map(sequence))
    #expect(
      again[1...3].elementsEqual([expected[3], expected[1], expected[0]]) { abs($0 - $1) < 1e-6 })
    #expect(again[0] == again[4])
    #expect(cache.figures == .init(computed: 4, repeated: 4, remembered: 3))
    #expect(try margins(model, []).isEmpty)
  }

  /// Random calls over few sequences, a cache that is always too small among them.
  @Test(arguments: [0, 1, 2, 5, 1_000]) func scoresAreThoseWithoutIt(entries: Int) throws {
    let cache = ReadingCache(entriesMax: entries)
    let (model, plain) = (try model(cache), try self.model(nil))
    let exact = try margins(plain, (0..<12).map(sequence))
    var random = SeededGenerator(seed: UInt64(entries))
    var asked = 0
    for _ in 0..<40 {
      let numbers = (0..<Int.random(in: 0...6, using: &random)).map { _ in
        Int.random(in: 0..<12, using: &random)
      }
      asked += numbers.count
      let found = try margins(model, numbers.map(sequence))
      #expect(found.count == numbers.count)
      for (margin, number) in zip(found, numbers) { #expect(abs(margin - exact[number]) < 1e-6) }
    }
    let figures = cache.figures
    #expect(figures.computed + figures.repeated + figures.remembered == asked)
    #expect((figures.remembered > 0) == (entries > 1))
    if entries >= 24 { #expect(figures.computed == 12) }
  }

  @Test func whatWasAskedForLastStays() throws {
    let cache = ReadingCache(entriesMax: 8)
    let model = try model(cache)
    for number in 0..<50 { _ = try margins(model, [sequence(0), sequence(number)]) }
    let before = cache.figures
    _ = try margins(model, [sequence(0), sequence(49), sequence(1)])
    #expect(cache.figures.remembered - before.remembered == 2)
    #expect(cache.figures.computed - before.computed == 1)
  }

  /// The same ids as one text or two, and other models or precisions, are other questions.
  @Test func nothingElseIsTakenForTheSame() throws {
    let cache = ReadingCache(entriesMax: 100)
    let model = try model(cache)
    _ = try margins(model, [[1, 30, 2, 31, 2]])
    _ = try margins(model, [TokenSequence([1, 30, 2, 31, 2], secondStart: 3)])
    _ = try margins(model, [[1, 30, 2, 31]])
    #expect(cache.figures.computed == 3)
    let other = try self.model(cache, folder: GoldenCase.url("v3-style").path)
    let exact = try margins(
      try self.model(nil, folder: GoldenCase.url("v3-style").path), [sequence(0)])
    _ = try margins(model, [sequence(0)])
    #expect(try margins(other, [sequence(0)]) == exact)
    #expect(cache.figures.computed == 5)
    if let format = ProductFormat.allCases.first(where: \.isFast) {
      _ = try margins(try self.model(cache, precision: [format]), [sequence(0)])
      #expect(cache.figures.computed == 6)
    }
    // The same model on other threads is the same.
    _ = try margins(GuardModel(model, pool: WorkerPool(workers: 2)), [sequence(0)])
    #expect(cache.figures.remembered == 1)
  }

  @Test func aFailureIsNotRemembered() throws {
    let cache = ReadingCache(entriesMax: 100)
    let model = try model(cache)
    let unknown: TokenSequence = [1, 1_000_000, 2]
    for _ in 0..<2 {
      #expect(throws: ClassifierFailure.self) { try model.readings([sequence(0), unknown]) }
    }
    #expect(cache.figures == .init())
    #expect(try margins(model, [sequence(0)]).count == 1)
  }
}
