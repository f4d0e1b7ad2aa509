import Basics
import Pipeline
import Records
import TestSupport
import Testing

@Suite struct MicroBatcherTests {
  private func bench(_ batch: BatchLimits) -> Bench { Bench(StreamLimits(batch: batch)) }

  /// A bench whose classifier has a batch and would take another one.
  private func busyBench(_ batch: BatchLimits) throws -> Bench {
    var batch = batch
    batch.batchesInFlightMax = 2
    let bench = bench(batch)
    bench.feed(0...0)
    #expect(try #require(bench.nextBatch()).reason == .idle)
    return bench
  }

  @Test func nothingWaitsWhileTheClassifierIdles() throws {
    let bench = bench(BatchLimits(lingerMilliseconds: 1000, ageMaxMilliseconds: 1000))
    bench.feed(0...1)
    let batch = try #require(bench.judge())
    #expect(batch.offsets == [0, 1])
    #expect(batch.reason == .idle)
  }

  /// What is being made ready comes soon, and goes with the rest.
  @Test func anIdleClassifierWaitsForWhatWasRead() throws {
    let bench = bench(BatchLimits(lingerMilliseconds: 5, ageMaxMilliseconds: 100))
    bench.feed(0...0)
    let chunk = try #require(bench.receive([Bench.record(1)]))
    #expect(bench.nextBatch() == nil)
    bench.machine.prepared(
      chunk.id, chunk.items.map { Bench.prepared($0, tokens: 3) }, now: bench.now)
    #expect(try #require(bench.judge()).offsets == [0, 1])
  }

  @Test func aBatchGoesWhenItsTokenBudgetIsFull() throws {
    let bench = bench(BatchLimits(tokensMax: 10))
    bench.feed(0...3, tokens: 4)
    let batch = try #require(bench.judge())
    #expect(batch.offsets == [0, 1])
    #expect(batch.reason == .tokens)
  }

  @Test func anExchangeAboveTheBudgetIsJudgedAlone() throws {
    let bench = bench(BatchLimits(tokensMax: 10))
    bench.feed(0...1, tokens: 25)
    #expect(try #require(bench.judge()).offsets == [0])
    #expect(try #require(bench.judge()).offsets == [1])
  }

  @Test(arguments: [(2, 100, ReleaseReason.records), (100, 25, ReleaseReason.bytes)])
  func countAndBytesAreBounded(records: Int, bytes: Int, reason: ReleaseReason) throws {
    let bench = bench(BatchLimits(recordsMax: records, bytesMax: bytes))
    bench.feed(0...4)
    let batch = try #require(bench.judge())
    #expect(batch.offsets == [0, 1])
    #expect(batch.reason == reason)
  }

  @Test func aBatchThatIsNotFullWaitsUntilTheStreamIsQuiet() throws {
    let bench = try busyBench(BatchLimits(lingerMilliseconds: 5, ageMaxMilliseconds: 100))
    bench.feed(1...1)
    bench.wait(milliseconds: 4)
    bench.feed(2...2)
    bench.wait(milliseconds: 4)
    #expect(bench.nextBatch() == nil)
    bench.wait(milliseconds: 1)
    let batch = try #require(bench.judge())
    #expect(batch.offsets == [1, 2])
    #expect(batch.reason == .linger)
  }

  @Test func noRecordWaitsLongerThanTheAgeLimit() throws {
    let bench = try busyBench(BatchLimits(lingerMilliseconds: 5, ageMaxMilliseconds: 20))
    for offset in 1..<11 as Range<Int64> {
      bench.feed(offset...offset)
      bench.wait(milliseconds: 2)
    }
    let batch = try #require(bench.judge())
    #expect(batch.reason == .age)
  }

  /// A thread that slept beyond the earlier of the two would let a record wait too long.
  @Test func oneWakesWhenTheStreamIsQuietOrTheOldestRecordIsOld() throws {
    let bench = try busyBench(BatchLimits(lingerMilliseconds: 5, ageMaxMilliseconds: 20))
    func wakeUp() -> Instant? {
      if case .wait(let until) = bench.machine.nextBatch(now: bench.now) { until } else { nil }
    }
    let start = bench.now
    bench.feed(1...1)
    #expect(wakeUp() == start.advanced(byMilliseconds: 5))
    for offset in 2..<6 as Range<Int64> {
      bench.wait(milliseconds: 4)
      bench.feed(offset...offset)
    }
    #expect(wakeUp() == start.advanced(byMilliseconds: 20))
  }

  @Test func aPartialBatchGoesAtOnceWhenNothingMoreIsRead() throws {
    let batch = BatchLimits(lingerMilliseconds: 1000, ageMaxMilliseconds: 1000)
    let bench = Bench(StreamLimits(batch: batch, bufferRecordsMax: 1))
    bench.feed(0...0)
    #expect(try #require(bench.judge()).reason == .drain)
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func batchesKeepOrderAndBounds(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let limits = BatchLimits(
      tokensMax: Int.random(in: 1...50, using: &random),
      recordsMax: Int.random(in: 1...8, using: &random),
      bytesMax: Int.random(in: 1...200, using: &random), lingerMilliseconds: 1)
    let bench = bench(limits)
    for offset in 0..<100 as Range<Int64> {
      let tokens = Int.random(in: 0...30, using: &random)
      bench.feed(offset...offset, tokens: tokens, bytes: Int.random(in: 0...90, using: &random))
    }
    bench.wait(milliseconds: 1)
    var seen: [Int64] = []
    while let batch = bench.judge() {
      seen += batch.offsets
      let tokens = batch.exchanges.reduce(0) { $0 + $1.tokens }
      let bytes = batch.items.reduce(0) { $0 + $1.item.record.byteCount }
      #expect(batch.items.count <= limits.recordsMax, "seed \(seed)")
      #expect(tokens <= limits.tokensMax || batch.items.count == 1, "seed \(seed)")
      #expect(bytes <= limits.bytesMax || batch.items.count == 1, "seed \(seed)")
    }
    #expect(seen == Array(0..<100), "seed \(seed)")
  }
}
