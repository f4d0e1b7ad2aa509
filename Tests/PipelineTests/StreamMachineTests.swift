import Pipeline
import Records
import TestSupport
import Testing

@Suite struct StreamMachineTests {
  private let eager = StreamLimits(
    batch: BatchLimits(recordsMax: 4, lingerMilliseconds: 0), bufferRecordsMax: 8,
    pauseAfterMilliseconds: 50,
    transactionRecordsMax: 100, transactionAttemptsMax: 2, retryBackoffMilliseconds: 10)

  @Test func aTransactionTakesWhatWasJudgedMeanwhile() throws {
    let bench = Bench(eager)
    bench.feed(0...3)
    bench.judge()
    let first = try #require(bench.nextTransaction())
    bench.feed(4...7)
    bench.judge()
    #expect(bench.nextTransaction() == nil, "one transaction at a time")
    bench.machine.committed(first.id, now: bench.now)
    let second = try #require(bench.nextTransaction())
    #expect(second.recordOffsets == [4, 5, 6, 7])
    #expect(second.offsets == [bench.partition: Offset(8)])
  }

  @Test func theLedgerTellsWhereReadingWouldGoOn() throws {
    let bench = Bench(eager)
    bench.feed(0...3)
    bench.judge()
    let transaction = try #require(bench.nextTransaction())
    #expect(bench.machine.ledger.committed == [:])
    bench.machine.committed(transaction.id, now: bench.now)
    #expect(bench.machine.ledger.committed == [bench.partition: Offset(4)])
    bench.machine.drain([bench.partition])
    #expect(bench.machine.ledger.committed == [:])
  }

  @Test func theLedgerTellsWhenTheOldestRecordOnItsWayWasWritten() throws {
    let bench = Bench(eager)
    #expect(bench.machine.ledger.oldest == [:])
    let records = (0..<3).map { number in
      InputRecord(
        source: Bench.record(number).source, key: nil, value: [65],
        timestampMilliseconds: 1_000 - number * 100)
    }
    let chunk = try #require(bench.receive(records))
    #expect(bench.machine.ledger.oldest == [bench.partition: 1_000])
    bench.machine.prepared(
      chunk.id, chunk.items.map { Bench.prepared($0, tokens: 1) }, now: bench.now)
    bench.judge()
    let transaction = try #require(bench.nextTransaction())
    bench.feed(3...3)
    bench.machine.committed(transaction.id, now: bench.now)
    #expect(bench.machine.ledger.oldest == [bench.partition: -1], "one without a time of its own")
    bench.machine.drain([bench.partition])
    #expect(bench.machine.ledger.oldest == [:])
  }

  @Test func chunksThatFinishOutOfOrderAreJudgedInOrder() throws {
    let bench = Bench(eager)
    let early = try #require(bench.receive([Bench.record(0)]))
    let late = try #require(bench.receive([Bench.record(1)]))
    bench.machine.prepared(
      late.id, late.items.map { Bench.prepared($0, tokens: 1) }, now: bench.now)
    #expect(bench.nextBatch() == nil)
    bench.machine.prepared(
      early.id, early.items.map { Bench.prepared($0, tokens: 1) }, now: bench.now)
    #expect(try #require(bench.nextBatch()).offsets == [0, 1])
  }

  /// With several batches in flight: the one that is done first waits for the one before it, and
  /// the halves of one that failed take its place.
  @Test func whatIsJudgedEarlyWaitsForItsTurn() throws {
    var limits = eager
    limits.batch.batchesInFlightMax = 2
    let bench = Bench(limits)
    bench.feed(0...7)
    let first = try #require(bench.nextBatch())
    let second = try #require(bench.nextBatch())
    #expect(bench.nextBatch() == nil, "no third one")
    bench.finish(second)
    #expect(bench.nextTransaction() == nil)
    bench.machine.judgingFailed(first.id, ClassifierFailure(detail: "no"), atMilliseconds: 0)
    let (front, back) = (try #require(bench.nextBatch()), try #require(bench.nextBatch()))
    #expect((front.offsets, back.offsets) == ([0, 1], [2, 3]))
    bench.finish(back)
    #expect(bench.nextTransaction() == nil)
    bench.finish(front)
    #expect(try #require(bench.nextTransaction()).recordOffsets == Array(0...7))
  }

  /// A partition's offset is never committed past records that a drain removed.
  @Test func aDrainRemovesNothingInFrontOfWhatIsJudged() throws {
    var limits = eager
    limits.batch.batchesInFlightMax = 2
    let bench = Bench(limits)
    bench.feed(0...7)
    let first = try #require(bench.nextBatch())
    let second = try #require(bench.nextBatch())
    bench.machine.judgingFailed(first.id, ClassifierFailure(detail: "no"), atMilliseconds: 0)
    bench.machine.drain([bench.partition])
    bench.finish(second)
    bench.judge()
    bench.judge()
    #expect(try #require(bench.nextTransaction()).recordOffsets == Array(0...7))
  }

  @Test func twoModelsNeverShareATransaction() throws {
    let bench = Bench(eager)
    bench.feed(0...3, model: "old@1")
    bench.judge()
    bench.feed(4...7, model: "new@2")
    bench.judge()
    let first = try #require(bench.nextTransaction())
    #expect(first.recordOffsets == [0, 1, 2, 3])
    #expect(Set(first.items.map(\.model)) == ["old@1"])
    bench.machine.committed(first.id, now: bench.now)
    let second = try #require(bench.nextTransaction())
    #expect(Set(second.items.map(\.model)) == ["new@2"])
  }

  @Test func twoModelsNeverShareABatchAndTheirOrderStays() throws {
    let bench = Bench(eager)
    bench.feed(0...0, model: "old@1")
    bench.feed(1...2, model: "new@2")
    bench.feed(3...3, model: "old@1")
    var seen: [String] = []
    while let batch = bench.judge() {
      seen.append("\(batch.classifier.model) \(batch.offsets) \(batch.reason)")
    }
    #expect(seen == ["old@1 [0] model", "new@2 [1, 2] model", "old@1 [3] idle"])
  }

  @Test func readingPausesWhenTheBufferStaysFullAndResumesAtHalf() throws {
    let bench = Bench(eager)
    #expect(bench.flowChange() == .resume, "the state after a rebalance is made certain")
    bench.feed(0...7)
    #expect(bench.machine.isFull)
    #expect(bench.flowChange() == nil, "a short wait is no pause")
    bench.wait(milliseconds: 50)
    #expect(bench.flowChange() == .pause)
    #expect(bench.flowChange() == nil)
    bench.judge()
    let transaction = try #require(bench.nextTransaction())
    bench.machine.committed(transaction.id, now: bench.now)
    #expect(bench.flowChange() == .resume)
  }

  @Test func aPauseIsAppliedAgainAfterARebalance() {
    let bench = Bench(eager)
    bench.feed(0...7)
    _ = bench.flowChange()
    bench.wait(milliseconds: 50)
    #expect(bench.flowChange() == .pause)
    bench.machine.assign([TopicPartition(topic: "in", partition: Partition(1))])
    #expect(bench.flowChange() == .pause)
  }

  @Test func revokedRecordsThatWereNotJudgedAreLeftToTheNextOwner() throws {
    let bench = Bench(eager)
    bench.feed(0...7)
    let batch = try #require(bench.nextBatch())
    bench.machine.drain([bench.partition])
    #expect(!bench.machine.isDrained([bench.partition]), "a batch is being judged")
    let judgements = batch.exchanges.map {
      Judgement(promptScore: Score(0), responseScore: nil, tokens: $0.tokens, windows: 1)
    }
    bench.machine.judged(batch.id, judgements, atMilliseconds: 0)
    let transaction = try #require(bench.nextTransaction())
    #expect(transaction.offsets == [bench.partition: Offset(4)])
    bench.machine.committed(transaction.id, now: bench.now)
    #expect(bench.machine.isDrained([bench.partition]))
    #expect(bench.machine.isIdle)
  }

  @Test func lostPartitionsPublishNothingMore() throws {
    let bench = Bench(eager)
    bench.feed(0...3)
    bench.judge()
    bench.machine.abandon([bench.partition])
    #expect(bench.nextTransaction() == nil)
    #expect(bench.machine.isIdle)
  }

  @Test func recordsOfAFormerAssignmentAreNotMixedWithThoseOfTheNext() throws {
    let bench = Bench(eager)
    bench.feed(0...3)
    let batch = try #require(bench.nextBatch())
    bench.machine.abandon([bench.partition])
    bench.machine.assign([bench.partition])
    bench.feed(0...3)
    let judgements = batch.exchanges.map {
      Judgement(promptScore: Score(0), responseScore: nil, tokens: $0.tokens, windows: 1)
    }
    bench.machine.judged(batch.id, judgements, atMilliseconds: 0)
    #expect(bench.nextTransaction() == nil, "the old assignment's verdicts are dropped")
    bench.judge()
    #expect(try #require(bench.nextTransaction()).recordOffsets == [0, 1, 2, 3])
  }

  @Test func recordsThatTheClientRepeatsAreIgnored() {
    let bench = Bench(eager)
    bench.feed(0...3)
    bench.feed(2...3)
    #expect(bench.machine.counters.received == 4)
    #expect(bench.machine.counters.ignored == 2)
  }

  @Test func aFailedTransactionIsTriedAgainAfterAPauseThenGivenUp() throws {
    let bench = Bench(eager)
    bench.feed(0...3)
    bench.judge()
    let first = try #require(bench.nextTransaction())
    bench.machine.publishingFailed(
      first.id, .aborted(ListCause("x")), item: nil, now: bench.now)
    #expect(bench.nextTransaction() == nil, "back off first")
    bench.wait(milliseconds: 10)
    let second = try #require(bench.nextTransaction())
    #expect(second.recordOffsets == first.recordOffsets)
    #expect(second.attempt == 2)
    bench.machine.publishingFailed(
      second.id, .aborted(ListCause("x")), item: nil, now: bench.now)
    #expect(bench.machine.failure?.description == "publishing failed: x")
    #expect(bench.machine.counters.aborts == ["x": 2])
  }

  @Test func aRefusedRecordBecomesADeadLetterThenOneWithoutPayload() throws {
    let bench = Bench(eager)
    bench.feed(0...3)
    bench.judge()
    for omitsPayload in [false, true] {
      let refused = try #require(bench.nextTransaction())
      bench.refuse(refused, item: 2)
      let mended = try #require(bench.nextTransaction())
      guard case .deadLetter(let letter) = mended.items[2].outcome else {
        Issue.record("record 2 should be a dead letter")
        return
      }
      #expect(letter.reason == .tooLarge)
      #expect(mended.items[2].omitsPayload == omitsPayload)
      if omitsPayload {
        bench.refuse(mended, item: 2)
        #expect(bench.machine.failure != nil, "nothing is left to leave out")
      } else {
        bench.machine.publishingFailed(
          mended.id, .aborted(ListCause("x")), item: nil, now: bench.now)
        bench.wait(milliseconds: 1000)
      }
    }
  }

  @Test func theCulpritOfAFailingBatchIsFoundAndDeadLettered() throws {
    let bench = Bench(eager)
    bench.feed(0...3)
    let cause = ClassifierFailure(detail: "bad")
    var judged: [Int64] = []
    while let batch = bench.nextBatch() {
      if batch.offsets.contains(2) {
        bench.machine.judgingFailed(batch.id, cause, atMilliseconds: 0)
        continue
      }
      judged += batch.offsets
      let judgements = batch.exchanges.map { _ in
        Judgement(promptScore: Score(0), responseScore: nil, tokens: 1, windows: 1)
      }
      bench.machine.judged(batch.id, judgements, atMilliseconds: 0)
    }
    #expect(judged == [0, 1, 3])
    let transaction = try #require(bench.nextTransaction())
    #expect(transaction.recordOffsets == [0, 1, 2, 3])
    guard case .deadLetter(let letter) = transaction.items[2].outcome else {
      Issue.record("record 2 should be a dead letter")
      return
    }
    #expect(letter.reason == .poison)
    #expect(letter.attempts == 2)
  }

  @Test func aPoisonRecordStopsTheStreamWhenTheSettingsSaySo() throws {
    var limits = eager
    limits.haltsOnPoison = true
    limits.poisonAttemptsMax = 1
    let bench = Bench(limits)
    bench.feed(0...0)
    let batch = try #require(bench.nextBatch())
    bench.machine.judgingFailed(
      batch.id, ClassifierFailure(detail: "bad"), atMilliseconds: 0)
    guard case .poison(let source, let detail) = bench.machine.failure else {
      Issue.record("the machine goes on")
      return
    }
    #expect(source == SourcePosition(topic: "in", partition: 0, offset: 0))
    #expect(detail == "bad")
  }

  @Test func progressIsACommitNotTheClock() throws {
    let bench = Bench(eager)
    bench.wait(milliseconds: 5000)
    bench.feed(0...3)
    let whenRead = bench.now
    #expect(bench.machine.lastProgress == whenRead, "an idle stream is not stalled")
    bench.wait(milliseconds: 5000)
    bench.judge()
    #expect(bench.machine.lastProgress == whenRead)
    let transaction = try #require(bench.nextTransaction())
    bench.machine.committed(transaction.id, now: bench.now)
    #expect(bench.machine.lastProgress == bench.now)
  }
}
