import FilterService
import Foundation
import Guard
import Pipeline
import Records
import Settings
import Synchronization
import TestSupport
import Testing
import Wire

@Suite struct ShadowScorerTests {
  /// Gives every exchange the same score.
  private struct FixedGuard: StreamModel {
    let model: String
    let score: Float
    var cut: UInt64 = 1

    func sequences(for exchange: Exchange) throws(TokenizationFailure) -> ExchangeSequences {
      guard exchange.prompt != "too long" else { throw TokenizationFailure(detail: "too long") }
      return ExchangeSequences(prompt: [[1]], response: [])
    }

    func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
      exchanges.map { _ in
        Judgement(promptScore: Score(score), responseScore: nil, tokens: 1, windows: 1)
      }
    }
  }

  private func settings(records: Int = 100) throws -> ShadowSettings {
    let settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: none}
        topics: {input: in, verdicts: out}
        model: {path: /champion}
        shadow: {path: /shadow, share: 1, queue_records_max: \(records)}
        """, file: "test")
    return try #require(settings.shadow)
  }

  /// A committed transaction of records that a champion gave this score.
  private func transaction(
    _ offsets: Range<Int64>, score: Float, prompt: String = "hello"
  ) throws -> Transaction {
    var limits = StreamLimits()
    limits.batch.lingerMilliseconds = 0
    var machine = StreamMachine(limits: limits, now: .zero)
    let partition = TopicPartition(topic: "in", partition: Partition(0))
    machine.assign([partition])
    let records = offsets.map {
      InputRecord(
        source: SourcePosition(topicPartition: partition, offset: Offset($0)), key: nil,
        value: Array(#"{"prompt": "\#(prompt)"}"#.utf8))
    }
    machine.receive(records, now: .zero)
    let received = machine.nextChunk().work
    let chunk = try #require(received)
    let champion = FixedGuard(model: "champion@1", score: score)
    let items = chunk.items.map { item in
      PreparedItem(
        item: item, format: .json,
        preparation: .judge(
          PreparedExchange(
            id: "x", sequences: ExchangeSequences(prompt: [[1]]), cut: champion.cut)),
        for: champion)
    }
    machine.prepared(chunk.id, items, now: .zero)
    guard case .perform(let batch) = machine.nextBatch(now: .zero) else { throw NothingDue() }
    machine.judged(batch.id, try champion.judge(batch.exchanges), atMilliseconds: 0)
    guard case .perform(let transaction) = machine.nextTransaction(now: .zero) else {
      throw NothingDue()
    }
    return transaction
  }

  private struct NothingDue: Error {}

  private func scorer(
    _ settings: ShadowSettings, score: Float, cut: UInt64 = 2,
    publish: @escaping @Sendable ([DisagreementPublisher.Item]) -> Int = { _ in 0 }
  ) -> ShadowScorer {
    ShadowScorer(
      settings: settings, target: { "/shadow" },
      load: { (_) throws(GuardModelFailure) in FixedGuard(model: "shadow@2", score: score, cut: cut)
      },
      pollInterval: nil, report: { _ in }, publish: publish)
  }

  /// Runs a scorer until its figures satisfy `isEnough`.
  private func run(
    _ scorer: ShadowScorer, until isEnough: (ShadowFigures) -> Bool
  ) -> ShadowFigures {
    _ = comesAbout { isEnough(scorer.figures) }
    return scorer.figures
  }

  @Test(arguments: [(0.9, 0.8), (0.9, 0.1), (0.2, 0.6), (0.2, 0.1)] as [(Float, Float)])
  func disagreementIsCounted(champion: Float, challenger: Float) throws {
    let scorer = scorer(try settings(), score: challenger)
    Thread { scorer.run() }.start()
    _ = run(scorer) { $0.challenger != nil }
    scorer.observe(try transaction(0..<10, score: champion))
    let figures = run(scorer) { $0.scored == 10 }
    scorer.stop()
    #expect(figures.bothFlagged == (champion >= 0.5 && challenger >= 0.5 ? 10 : 0))
    #expect(figures.onlyChampionFlagged == (champion >= 0.5 && challenger < 0.5 ? 10 : 0))
    #expect(figures.onlyChallengerFlagged == (champion < 0.5 && challenger >= 0.5 ? 10 : 0))
    #expect(figures.neitherFlagged == (champion < 0.5 && challenger < 0.5 ? 10 : 0))
    #expect(abs(figures.differences.sum / 10 - Double(abs(champion - challenger))) < 1e-6)
    #expect(figures.dropped == 0)
  }

  @Test(arguments: [(0.9, 0.8), (0.9, 0.1), (0.2, 0.6), (0.2, 0.1)] as [(Float, Float)])
  func whatTheTwoDecideOtherwiseIsPublished(champion: Float, challenger: Float) throws {
    let published = Mutex<[DisagreementPublisher.Item]>([])
    let scorer = scorer(try settings(), score: challenger) { items in
      published.withLock { $0 += items }
      return 1  // one of each call is lost
    }
    Thread { scorer.run() }.start()
    _ = run(scorer) { $0.challenger != nil }
    scorer.observe(try transaction(0..<10, score: champion))
    let differ = (champion >= 0.5) != (challenger >= 0.5)
    let figures = run(scorer) { $0.scored == 10 && ($0.unpublished > 0) == differ }
    scorer.stop()
    let items = published.withLock { $0 }
    #expect(items.count == (differ ? 10 : 0))
    #expect((figures.unpublished > 0) == differ)
    for item in items {
      #expect(item.disagreement.source == item.record.source)
      #expect(item.disagreement.score == Score(champion))
      #expect(item.disagreement.challengerScore == Score(challenger))
      #expect(item.disagreement.model == "champion@1")
      #expect(item.disagreement.challenger == "shadow@2")
      #expect(item.disagreement.share == 1)
      #expect(Disagreement(headers: item.disagreement.headers) == item.disagreement)
    }
  }

  @Test func theShareIsTheSameEachTimeAndAboutAsAsked() {
    let partition = TopicPartition(topic: "chat.exchanges", partition: Partition(3))
    let fractions = (0..<10_000 as Range<Int64>).map {
      SourcePosition(topicPartition: partition, offset: Offset($0)).fraction
    }
    #expect(fractions.allSatisfy { (0..<1).contains($0) })
    #expect((800...1200).contains(fractions.filter { $0 < 0.1 }.count))
    let again = SourcePosition(topicPartition: partition, offset: Offset(7)).fraction
    #expect(again == fractions[7])
  }

  @Test func aFullQueueDropsAndCounts() throws {
    let scorer = scorer(try settings(records: 4), score: 0.5)
    scorer.observe(try transaction(0..<3, score: 0.5))
    #expect(scorer.figures.dropped == 3, "no challenger is loaded yet")
    Thread { scorer.run() }.start()
    _ = run(scorer) { $0.challenger != nil }
    scorer.observe(try transaction(0..<100, score: 0.5))
    let figures = run(scorer) { $0.scored + $0.dropped == 103 }
    scorer.stop()
    #expect(figures.dropped == 99)
    #expect(figures.scored == 4)
  }

  /// The fake's tokenizer refuses the text: only a challenger that cuts as the champion did, and so
  /// takes over its tokens, can judge it.
  @Test(arguments: [(2, 5, 0), (1, 0, 5)] as [(UInt64, Int, Int)])
  func whatTheChallengerCannotCutIsCountedUnlessItWasCutBefore(
    cut: UInt64, failed: Int, scored: Int
  ) throws {
    let scorer = scorer(try settings(), score: 0.5, cut: cut)
    Thread { scorer.run() }.start()
    _ = run(scorer) { $0.challenger != nil }
    scorer.observe(try transaction(0..<5, score: 0.5, prompt: "too long"))
    let figures = run(scorer) { $0.failed + $0.scored == 5 }
    scorer.stop()
    #expect(figures.failed == failed)
    #expect(figures.scored == scored)
  }
}
