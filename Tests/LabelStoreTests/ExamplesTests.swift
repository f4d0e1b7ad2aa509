import LabelStore
import Records
import TestSupport
import Testing

@Suite struct ExamplesTests {
  private let everything = SplitShares(validation: 0, test: 0)

  private func query(_ caps: InfluenceCaps = InfluenceCaps()) -> ExampleQuery {
    ExampleQuery(split: .train, caps: caps, nowMilliseconds: 0)
  }

  @Test func examplesCarryTextsLabelAndTeacher() throws {
    let fixture = try StoreFixture(shares: everything)
    try fixture.store.save(
      [label(1, response: "an answer", tenant: "acme", isUnsafe: true)],
      timeToLiveMilliseconds: nil, isPublished: true)
    let example = try #require(try fixture.store.examples(query()).first)
    #expect(example.response == "an answer")
    #expect(example.isUnsafe)
    #expect(example.tenant == "acme")
    #expect(abs((example.teacherScore ?? 0) - 0.9) < 1e-6)
    #expect(example.id == example.digest.description)
  }

  @Test func theNewestLabelOfAContentCountsUnlessATeacherIsNamed() throws {
    let fixture = try StoreFixture(shares: everything)
    try fixture.store.save(
      [
        label(1, teacher: "old", isUnsafe: false, at: 1),
        label(1, teacher: "new", isUnsafe: true, at: 2),
      ], timeToLiveMilliseconds: nil, isPublished: true)
    #expect(try fixture.store.examples(query()).map(\.isUnsafe) == [true])
    var old = query()
    old.teacher = "old"
    #expect(try fixture.store.examples(old).map(\.isUnsafe) == [false])
  }

  @Test func expiredLabelsAreNoExamples() throws {
    let fixture = try StoreFixture(shares: everything)
    try fixture.store.save([label(1, at: 10)], timeToLiveMilliseconds: 5, isPublished: true)
    var late = query()
    late.nowMilliseconds = 14
    #expect(try fixture.store.examples(late).count == 1)
    late.nowMilliseconds = 15
    #expect(try fixture.store.examples(late).isEmpty)
  }

  @Test func everyContentIsInExactlyOneSplit() throws {
    let fixture = try StoreFixture()
    let labels = (0..<200).map { label($0) }
    try fixture.store.save(labels, timeToLiveMilliseconds: nil, isPublished: true)
    var seen: [String] = []
    for split in Split.allCases {
      seen += try fixture.store.examples(ExampleQuery(split: split, nowMilliseconds: 0)).map(\.id)
    }
    #expect(seen.count == 200)
    #expect(Set(seen) == Set(labels.map(\.digest.description)))
  }

  @Test func aFloodOfOneTenantIsCapped() throws {
    let fixture = try StoreFixture(shares: everything)
    let flood = (0..<500).map { label($0, tenant: "flood") }
    let others = (500..<540).map { label($0, tenant: "tenant-\($0 % 4)") }
    try fixture.store.save(flood + others, timeToLiveMilliseconds: nil, isPublished: true)
    let capped = try fixture.store.examples(query(InfluenceCaps(sharePerTenantMax: 0.25)))
    let flooded = capped.filter { $0.tenant == "flood" }.count
    #expect(capped.count - flooded == 40, "the others keep all of theirs")
    #expect(flooded == 13, "13 of 53 is the most below a quarter")
    let few = try fixture.store.examples(query(InfluenceCaps(examplesPerTenantMax: 7)))
    #expect(few.filter { $0.tenant == "flood" }.count == 7)
    #expect(few.count == 35)
    var other = query(InfluenceCaps(examplesPerTenantMax: 7))
    #expect(try fixture.store.examples(other) == few, "the choice repeats itself")
    other.seed = 1
    #expect(try fixture.store.examples(other) != few, "and depends on the seed")
  }

  @Test(arguments: [
    ([100, 10, 10], 0.5, 20), ([100, 10, 10], 0.34, 10), ([100, 10, 10], 0.2, 10),
    ([5], 0.5, 5), ([], 0.5, 0), ([7, 7, 7, 7], 0.25, 7), ([1000, 1], 0.5, 1),
    ([1000, 1], 0.9, 9), ([3, 2], 1.0, 3),
  ])
  func theShareIsThatOfTheResult(counts: [Int], share: Double, limit: Int) {
    #expect(InfluenceCaps(sharePerTenantMax: share).limit(counts: counts) == limit)
  }

  @Test(arguments: 0..<100)
  func noTenantExceedsItsShareWhereThatIsPossible(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    let counts = (0..<Int.random(in: 2...20, using: &generator)).map { _ in
      Int.random(in: 1...2000, using: &generator)
    }
    let share = Double.random(in: 0.05...1, using: &generator)
    let limit = InfluenceCaps(sharePerTenantMax: share).limit(counts: counts)
    func worst(_ limit: Int) -> Double {
      let kept = counts.map { min($0, limit) }
      return Double(kept.max() ?? 0) / Double(kept.reduce(0, +))
    }
    #expect(limit >= 1)
    if Double(counts.count) * share >= 1 {
      #expect(worst(limit) <= share)
      if limit < counts.max() ?? 0 { #expect(worst(limit + 1) > share, "the limit is too low") }
    }
  }
}
