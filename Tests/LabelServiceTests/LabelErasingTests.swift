import Basics
import LabelService
import LabelStore
import Records
import Testing

@Suite(.serialized) struct LabelErasingTests {
  /// Labels 0 to 5 in topic and store; 4 and 5 are tenant b's, the others tenant a's. The store
  /// knows that b sent content 0, too.
  private func bench() async throws -> LabelBench {
    let bench = try await LabelBench()
    let labels = (0..<6).map { number in
      TeacherLabel(
        id: "x\(number)", contentDigest: digest(number).bytes, prompt: LabelBench.prompt(number),
        tenant: number < 4 ? "a" : "b", teacherScore: Score(0.5), isUnsafe: false,
        teacher: "teacher", templateDigest: ContentDigest(of: [1]).bytes,
        inclusionProbability: 1, stratum: "random", labelledAtMilliseconds: 1_700_000_000_000)
    }
    try bench.store.save(labels, timeToLiveMilliseconds: nil, isPublished: true)
    try bench.store.note(
      Occurrence(exchange: "later", tenant: "b", source: nil), of: digest(0))
    try bench.publish(labels)
    return bench
  }

  private func digest(_ number: Int) -> ContentDigest {
    ContentDigest(prompt: LabelBench.prompt(number), response: nil)
  }

  private func check(
    _ bench: LabelBench, gone numbers: [Int], report: LabelErasing.Report
  ) throws {
    #expect(Set(report.contents) == Set(numbers.map(digest)))
    #expect(try bench.tombstones() == Set(numbers.map(digest)))
    for number in 0..<6 {
      let isGone = try bench.store.placement(of: digest(number)) == nil
      #expect(isGone == (report.store != nil && numbers.contains(number)), "\(number)")
    }
  }

  @Test(
    arguments: [
      (Erasure.exchange("x2"), [2]), (.tenant("b"), [0, 4, 5]), (.exchange("later"), [0]),
      (.content(ContentDigest(prompt: LabelBench.prompt(1), response: nil)), [1]),
      (.exchange("nobody"), []), (.tenant(""), []),
    ] as [(Erasure, [Int])])
  func whatIsMeantGoesFromTopicAndStore(erasure: Erasure, numbers: [Int]) async throws {
    let bench = try await bench()
    let report = try bench.erasing().run(erasure, isDryRun: false)
    #expect(report.stored == numbers.count)
    try check(bench, gone: numbers, report: report)
    let again = try bench.erasing().run(erasure, isDryRun: true)
    if case .content = erasure { return }
    #expect(again.contents.isEmpty, "the topic's tombstones are seen")
  }

  @Test func aDryRunErasesNothing() async throws {
    let bench = try await bench()
    let report = try bench.erasing().run(.tenant("a"), isDryRun: true)
    #expect(Set(report.contents) == Set((0..<4).map(digest)))
    #expect(report.stored == 4)
    #expect(try bench.tombstones().isEmpty)
    #expect(try bench.store.counts().labels == 6)
  }

  @Test func withoutAStoreTheTopicTellsTheFirstSenders() async throws {
    let bench = try await bench()
    let report = try bench.erasing(hasStore: false).run(.tenant("b"), isDryRun: false)
    #expect(report.store == nil)
    try check(bench, gone: [4, 5], report: report)
  }
}
