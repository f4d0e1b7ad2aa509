import Foundation
import LabelStore
import Records
import TestSupport
import Testing

@Suite struct LabelStoreTests {
  @Test func aLabelComesBackAsItWasSaved() throws {
    let fixture = try StoreFixture()
    var odd = label(2, prompt: "a\0b\u{1F600}", response: "\0", tenant: "te\0nant")
    odd.id = "i\0d"
    odd.guardModel = nil
    odd.guardScore = nil
    odd.source = nil
    for label in [label(1, tenant: ""), odd] {
      try fixture.store.save([label], timeToLiveMilliseconds: nil, isPublished: true)
      #expect(try fixture.store.label(#require(label.key)) == label)
    }
  }

  @Test func aSecondLabelOfTheSameTeacherReplacesTheFirst() throws {
    let fixture = try StoreFixture()
    let first = label(1, at: 1_000)
    var second = label(1, isUnsafe: true, at: 2_000)
    second.id = first.id
    let other = label(1, teacher: "other", at: 3_000)
    try fixture.store.save([first, second, other], timeToLiveMilliseconds: nil, isPublished: true)
    #expect(try fixture.store.label(#require(first.key)) == second)
    #expect(try fixture.store.counts().labels == 2)
    #expect(try fixture.store.counts().contents.values.reduce(0, +) == 1)
  }

  @Test func aDigestOfAnotherLengthIsRefused() throws {
    let fixture = try StoreFixture()
    var bad = label(1)
    bad.contentDigest = [1, 2, 3]
    #expect(throws: LabelStoreError.self) {
      try fixture.store.save([bad], timeToLiveMilliseconds: nil, isPublished: true)
    }
    #expect(try fixture.store.counts().labels == 0)
  }

  @Test func unpublishedLabelsWaitUntilTheyAreMarked() throws {
    let fixture = try StoreFixture()
    let labels = (0..<5).map { label($0) }
    try fixture.store.save(labels, timeToLiveMilliseconds: nil, isPublished: false)
    #expect(try fixture.store.unpublished(limit: 10) == labels)
    try fixture.store.markPublished(labels.prefix(2).compactMap(\.key))
    #expect(try fixture.store.unpublished(limit: 10) == Array(labels[2...]))
    try fixture.store.save([labels[0]], timeToLiveMilliseconds: nil, isPublished: false)
    #expect(
      try fixture.store.unpublished(limit: 2).count == 2, "one that is published stays so")
  }

  @Test func anErasureByContentExchangeOrTenantTakesEverything() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    let labels = (0..<6).map { label($0, tenant: $0 < 3 ? "acme" : nil) }
    try store.save(labels, timeToLiveMilliseconds: nil, isPublished: true)
    try store.note(
      Occurrence(exchange: "again", tenant: "late", source: nil), of: labels[5].digest)
    #expect(try store.erase(.content(labels[0].digest)) == [labels[0].digest])
    #expect(try store.erase(.content(labels[0].digest)) == [])
    #expect(try Set(store.erase(.tenant("acme"))) == [labels[1].digest, labels[2].digest])
    #expect(try store.erase(.exchange("exchange-3")) == [labels[3].digest])
    #expect(try store.erase(.exchange("again")) == [labels[5].digest])
    #expect(try store.counts().labels == 1)
    #expect(try store.label(#require(labels[4].key)) == labels[4])
  }

  @Test func anErasedTextIsNotLeftInTheFiles() throws {
    let fixture = try StoreFixture()
    let secret = "a sentence that nobody must ever find again"
    try fixture.store.save(
      [label(1, prompt: secret), label(2)], timeToLiveMilliseconds: nil, isPublished: true)
    func isInFiles() throws -> Bool {
      try FileManager.default.contentsOfDirectory(atPath: fixture.directory.path).contains {
        let data = try Data(contentsOf: URL(filePath: "\(fixture.directory.path)/\($0)"))
        return data.range(of: Data(secret.utf8)) != nil
      }
    }
    #expect(try isInFiles())
    try fixture.store.erase(.exchange("exchange-1"))
    #expect(try !isInFiles())
  }

  @Test func labelsGoWhenTheirTimeIsOver() throws {
    let fixture = try StoreFixture()
    let store = fixture.store
    try store.save([label(1, at: 1_000)], timeToLiveMilliseconds: 500, isPublished: true)
    try store.save([label(2, at: 1_000)], timeToLiveMilliseconds: nil, isPublished: true)
    try store.save(
      [label(1, teacher: "other", at: 1_000)], timeToLiveMilliseconds: 900, isPublished: true)
    #expect(try store.purge(nowMilliseconds: 1_499) == [])
    #expect(try store.purge(nowMilliseconds: 1_500) == [], "another teacher's label is left")
    #expect(try store.counts().labels == 2)
    #expect(try store.purge(nowMilliseconds: 1_900) == [label(1).digest])
    #expect(try store.purge(nowMilliseconds: .max - 1) == [])
    #expect(try store.counts().labels == 1)
  }

  @Test func theSplitIsThatOfTheDigestForEver() throws {
    let fixture = try StoreFixture(shares: SplitShares(validation: 0.2, test: 0.3))
    let labels = (0..<400).map { label($0) }
    try fixture.store.save(labels, timeToLiveMilliseconds: nil, isPublished: true)
    let counts = try fixture.store.counts().contents
    #expect((80...160).contains(counts[.test] ?? 0), "\(counts)")
    #expect((45...120).contains(counts[.validation] ?? 0), "\(counts)")
    let reopened = try LabelStore(path: fixture.path, shares: SplitShares(validation: 0, test: 0))
    for label in labels {
      let expected = SplitShares(validation: 0.2, test: 0.3).split(of: label.digest)
      #expect(try reopened.placement(of: label.digest)?.split == expected)
    }
  }

  @Test func aReaderSeesWhatIsWrittenBesideIt() throws {
    let fixture = try StoreFixture()
    let reader = try LabelStore(path: fixture.path, access: .readOnly)
    for number in 0..<20 {
      try fixture.store.save([label(number)], timeToLiveMilliseconds: nil, isPublished: true)
      #expect(try reader.counts().labels == number + 1)
    }
    #expect(throws: LabelStoreError.self) { try reader.erase(.exchange("exchange-1")) }
  }

  @Test func keptValuesAreReplaced() throws {
    let fixture = try StoreFixture()
    #expect(try fixture.store.kept(as: "a") == nil)
    try fixture.store.keep([1, 2], as: "a")
    try fixture.store.keep([], as: "a")
    #expect(try fixture.store.kept(as: "a") == [])
  }

  @Test func labellingTimesAreCountedFromAMoment() throws {
    let fixture = try StoreFixture()
    try fixture.store.save(
      (0..<5).map { label($0, at: Int64($0) * 100) }, timeToLiveMilliseconds: nil,
      isPublished: true)
    #expect(try fixture.store.labellingTimes(since: 200, limit: 9) == [300, 400])
    #expect(try fixture.store.labellingTimes(since: -1, limit: 2) == [0, 100])
  }
}

@Suite struct LabelStoreOpeningTests {
  @Test func aDamagedFileIsRefusedWithAdvice() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/labels.sqlite"
    do {
      let store = try LabelStore(path: path)
      try store.save(
        (0..<300).map { label($0) }, timeToLiveMilliseconds: nil, isPublished: true)
      try store.erase(.exchange("exchange-0"))
    }
    let file = try FileHandle(forUpdating: URL(filePath: path))
    for page in 2..<12 {
      try file.seek(toOffset: UInt64(page * 4096))
      try file.write(contentsOf: Data(repeating: 0x5A, count: 4096))
    }
    try file.close()
    let error = #expect(throws: LabelStoreError.self) { try LabelStore(path: path) }
    #expect(error?.description.contains(path) == true)
    #expect(error?.description.contains(ownText(1)) == false)
  }

  @Test(arguments: ["not a database at all, but a text of some length", ""])
  func anotherFileIsRefusedUnlessItIsEmpty(text: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/file"
    let content = String(repeating: text, count: 100)
    try Data(content.utf8).write(to: URL(filePath: path))
    if text.isEmpty {
      #expect(try LabelStore(path: path).counts().labels == 0)
    } else {
      #expect(throws: LabelStoreError.self) { try LabelStore(path: path) }
    }
  }

  @Test func aFileThatIsNotThereCannotBeRead() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: LabelStoreError.self) {
      try LabelStore(path: directory.path + "/none.sqlite", access: .readOnly)
    }
    #expect(throws: LabelStoreError.self) {
      try LabelStore(path: directory.path + "/no/such/folder/labels.sqlite")
    }
  }
}
