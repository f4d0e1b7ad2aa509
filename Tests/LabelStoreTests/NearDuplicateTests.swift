import LabelStore
import Records
import TestSupport
import Testing

@Suite struct NearDuplicateTests {
  private let story = """
    Once upon a time a baker in a small town by the sea wanted to know how long a loaf of rye bread \
    keeps when it is wrapped in linen and left on a wooden shelf, so she asked her grandmother
    """

  @Test func variationsOfATextAreOneGroupWithOneSplit() throws {
    let fixture = try StoreFixture(shares: SplitShares(validation: 0.3, test: 0.3))
    let variations = (0..<30).map { label($0, prompt: "\(story), number \($0)!") }
    try fixture.store.save(variations, timeToLiveMilliseconds: nil, isPublished: true)
    let first = try #require(try fixture.store.placement(of: variations[0].digest))
    for variation in variations {
      let placement = try #require(try fixture.store.placement(of: variation.digest))
      #expect(placement == first)
    }
    let splits = Set(
      variations.map { SplitShares(validation: 0.3, test: 0.3).split(of: $0.digest) })
    #expect(splits.count > 1, "by themselves they would be in different splits")
  }

  @Test func textsThatDifferAreGroupsOfTheirOwn() throws {
    let fixture = try StoreFixture()
    let texts = [
      "How do I bake bread?", "What is the capital of France?", story, "",
      "Write a poem about rain on a tin roof.",
    ]
    try fixture.store.save(
      texts.enumerated().map { label($0.offset, prompt: $0.element) },
      timeToLiveMilliseconds: nil, isPublished: true)
    #expect(try fixture.store.counts().nearGroups == texts.count)
  }

  @Test func onlyTheFirstOfAGroupIsAnExample() throws {
    let fixture = try StoreFixture(shares: SplitShares(validation: 0, test: 0))
    let flood = (0..<50).map {
      label($0, prompt: "\(story) (\($0))", tenant: "flood", isUnsafe: $0 > 0)
    }
    try fixture.store.save(
      flood + [label(99, tenant: "other")], timeToLiveMilliseconds: nil, isPublished: true)
    var query = ExampleQuery(split: .train, nowMilliseconds: 0)
    let collapsed = try fixture.store.examples(query)
    #expect(collapsed.map(\.tenant) == ["flood", "other"])
    #expect(collapsed.first?.isUnsafe == false, "the first label counts, not the flood's")
    query.collapsesNearDuplicates = false
    #expect(try fixture.store.examples(query).count == 51)
  }

  @Test func aGroupOutlivesItsFirstContent() throws {
    let fixture = try StoreFixture()
    let (first, second) = (label(0, prompt: story + " one"), label(1, prompt: story + " two"))
    try fixture.store.save([first, second], timeToLiveMilliseconds: nil, isPublished: true)
    let before = try #require(try fixture.store.placement(of: second.digest))
    try fixture.store.erase(.content(first.digest))
    let third = label(2, prompt: story + " three")
    try fixture.store.save([third], timeToLiveMilliseconds: nil, isPublished: true)
    #expect(try #require(try fixture.store.placement(of: third.digest)) == before)
  }

  @Test func aFloodDoesNotMakeLaterSavesCompareWithAllOfIt() throws {
    let fixture = try StoreFixture()
    let count = LabelStore.comparisonsMax * 2
    try fixture.store.save(
      (0..<count).map { label($0, prompt: "\(story) (\($0))") }, timeToLiveMilliseconds: nil,
      isPublished: true)
    #expect(try fixture.store.counts().nearGroups == 1)
  }
}
