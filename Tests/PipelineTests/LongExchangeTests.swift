import Basics
import Pipeline
import Records
import TestSupport
import Testing

/// Exchanges that take long are judged beside the others, and no partition waits for another.
@Suite struct LongExchangeTests {
  private static let limits = StreamLimits(
    batch: BatchLimits(tokensMax: 20, recordsMax: 4, lingerMilliseconds: 0, longTokens: 50))

  private let other = TopicPartition(topic: "in", partition: Partition(1))

  private func bench(_ limits: StreamLimits = Self.limits) -> Bench {
    let bench = Bench(limits)
    bench.machine.assign([other])
    return bench
  }

  /// Records of these partitions and tokens in the order in which they were read, numbered in each
  /// partition from `first`.
  private func feed(
    _ bench: Bench, _ records: [(partition: Int32, tokens: Int)], from first: Int64 = 0
  ) throws {
    var next: [Int32: Int64] = [:]
    let inputs = records.map { record in
      defer { next[record.partition, default: first] += 1 }
      return Bench.record(next[record.partition, default: first], partition: record.partition)
    }
    let chunk = try #require(bench.receive(inputs))
    let items = zip(chunk.items, records).map { Bench.prepared($0, tokens: $1.tokens) }
    bench.machine.prepared(chunk.id, items, now: bench.now)
  }

  private func places(_ items: [StreamItem]) -> [String] {
    items.map { "\($0.record.source.partition.rawValue)/\($0.record.source.offset.rawValue)" }
  }

  private func places(_ batch: Batch) -> [String] { places(batch.items.map(\.item)) }

  private func places(_ transaction: Transaction) -> [String] {
    places(transaction.items.map(\.item))
  }

  @Test func othersGoOnWhileALongOneIsJudged() throws {
    let bench = bench()
    try feed(bench, [(0, 60), (1, 5), (1, 5)])
    let short = try #require(bench.nextBatch())
    let long = try #require(bench.nextBatch())
    #expect((short.isLong, long.isLong) == (false, true))
    #expect((places(short), places(long)) == (["1/0", "1/1"], ["0/0"]))
    bench.finish(short)
    let first = try #require(bench.nextTransaction())
    #expect(places(first) == ["1/0", "1/1"])
    bench.machine.committed(first.id, now: bench.now)
    try feed(bench, [(1, 5)], from: 2)
    bench.judge()
    let second = try #require(bench.nextTransaction())
    #expect(places(second) == ["1/2"])
    bench.machine.committed(second.id, now: bench.now)
    bench.finish(long)
    #expect(places(try #require(bench.nextTransaction())) == ["0/0"])
  }

  /// What follows in the long one's partition follows it there, then all is as before.
  @Test func whateverFollowsALongOneStaysBehindIt() throws {
    let bench = bench()
    try feed(bench, [(0, 5), (0, 60), (0, 5), (1, 5), (0, 5)])
    let short = try #require(bench.nextBatch())
    let long = try #require(bench.nextBatch())
    #expect(places(short) == ["0/0", "1/0"])
    #expect(places(long) == ["0/1"])
    bench.finish(long)
    #expect(bench.nextTransaction() == nil, "0/1 waits for 0/0")
    bench.finish(short)
    let transaction = try #require(bench.nextTransaction())
    #expect(places(transaction) == ["0/0", "0/1", "1/0"])
    #expect(transaction.offsets.values.map(\.rawValue).sorted() == [1, 2])
    bench.machine.committed(transaction.id, now: bench.now)
    try feed(bench, [(0, 5)], from: 4)
    let followers = try #require(bench.nextBatch())
    #expect(followers.isLong)
    #expect(places(followers) == ["0/2", "0/3", "0/4"])
    bench.finish(followers)
    let rest = try #require(bench.nextTransaction())
    bench.machine.committed(rest.id, now: bench.now)
    try feed(bench, [(0, 5)], from: 5)
    #expect(try #require(bench.nextBatch()).isLong == false)
  }

  @Test func oneLongBatchIsInFlightAtOnce() throws {
    let bench = bench()
    try feed(bench, [(0, 60), (1, 60)])
    let first = try #require(bench.nextBatch())
    #expect(places(first) == ["0/0"])
    #expect(bench.nextBatch() == nil)
    bench.finish(first)
    #expect(places(try #require(bench.nextBatch())) == ["1/0"])
  }

  @Test func withoutTheClassALongOneGoesWithTheRest() throws {
    var limits = Self.limits
    limits.batch.longTokens = nil
    let bench = bench(limits)
    try feed(bench, [(0, 60), (1, 5)])
    #expect(places(try #require(bench.nextBatch())) == ["0/0"])
    #expect(bench.nextBatch() == nil)
  }

  /// A failing long batch holds up nobody else, and its culprit alone becomes a dead letter.
  @Test func aLongOneThatFailsIsIsolatedBesideTheOthers() throws {
    var limits = Self.limits
    limits.poisonAttemptsMax = 1
    let bench = bench(limits)
    try feed(bench, [(0, 60), (1, 5), (0, 5)])
    let short = try #require(bench.nextBatch())
    let long = try #require(bench.nextBatch())
    bench.machine.judgingFailed(long.id, ClassifierFailure(detail: "no"), atMilliseconds: 0)
    bench.finish(short)
    #expect(places(try #require(bench.judge())) == ["0/1"])
    let transaction = try #require(bench.nextTransaction())
    #expect(Set(places(transaction)) == ["0/0", "0/1", "1/0"])
  }

  /// A drain removes what waits, yet nothing in front of what will be published.
  @Test func aDrainRemovesWhatIsBehindTheLongOne() throws {
    let bench = bench()
    try feed(bench, [(0, 5), (0, 60), (0, 5), (1, 5)])
    // Nothing has been started: all of the partition goes.
    let drained = bench
    drained.machine.drain([drained.partition])
    #expect(drained.machine.isDrained([drained.partition]))
    let short = try #require(drained.nextBatch())
    #expect(places(short) == ["1/0"])
  }

  @Test func aDrainKeepsWhatIsBeforeALongOneInFlight() throws {
    var limits = Self.limits
    limits.batch.recordsMax = 1
    let bench = bench(limits)
    try feed(bench, [(1, 5), (0, 5), (0, 60), (0, 5)])
    let first = try #require(bench.nextBatch())
    let long = try #require(bench.nextBatch())
    #expect((places(first), places(long)) == (["1/0"], ["0/1"]))
    bench.machine.drain([bench.partition])
    bench.finish(long)
    #expect(!bench.machine.isDrained([bench.partition]))
    bench.finish(first)
    #expect(places(try #require(bench.judge())) == ["0/0"])
    let transaction = try #require(bench.nextTransaction())
    #expect(Set(places(transaction)) == ["1/0", "0/0", "0/1"])
    bench.machine.committed(transaction.id, now: bench.now)
    #expect(bench.machine.isDrained([bench.partition]))
    #expect(bench.machine.bufferedRecords == 0)
  }
}
