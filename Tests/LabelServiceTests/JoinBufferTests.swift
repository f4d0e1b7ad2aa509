import Basics
import LabelService
import Records
import TestSupport
import Testing

@Suite struct JoinBufferTests {
  private typealias Buffer = JoinBuffer<Int64, Int64>
  private let input = TopicPartition(topic: "in", partition: Partition(0))
  private let verdicts = TopicPartition(topic: "verdicts", partition: Partition(0))

  private func buffer(records: Int = 100, bytes: Int = 1_000) -> Buffer {
    Buffer(recordsMax: records, bytesMax: bytes, timeoutMilliseconds: 1_000)
  }

  private func at(_ offset: Int64) -> SourcePosition {
    SourcePosition(topicPartition: input, offset: Offset(offset))
  }

  private func words(_ outcomes: [Buffer.Outcome]) -> [String] {
    outcomes.map { outcome in
      switch outcome {
      case .joined(let left, let right): "joined \(left) \(right)"
      case .unjudged(let left): "unjudged \(left)"
      case .notChosen(let left): "not chosen \(left)"
      case .orphaned(let right): "orphaned \(right)"
      case .exchangeExpired(let left): "exchange expired \(left)"
      case .verdictExpired(let right): "verdict expired \(right)"
      }
    }
  }

  @Test func anExchangeAndItsVerdictMeetInEitherOrder() {
    var buffer = buffer()
    let outcomes1 = buffer.add(exchange: 1, at: at(1), bytes: 10, now: .zero)
    #expect(words(outcomes1) == [])
    #expect(buffer.waitingBytes == 10)
    let first = buffer.add(verdictOn: at(1), chosen: 1, from: verdicts, now: .zero)
    #expect(words(first) == ["joined 1 1"])
    let second = buffer.add(verdictOn: at(2), chosen: 2, from: verdicts, now: .zero)
    #expect(words(second) == [])
    #expect(buffer.waitingVerdicts == 1)
    let outcomes2 = buffer.add(exchange: 2, at: at(2), bytes: 9, now: .zero)
    #expect(words(outcomes2) == ["joined 2 2"])
    #expect(buffer.waitingExchanges == 0 && buffer.waitingVerdicts == 0)
    #expect(buffer.waitingBytes == 0)
  }

  @Test func aVerdictTellsThatEarlierExchangesGetNone() {
    var buffer = buffer()
    for offset in 1...4 {
      _ = buffer.add(exchange: Int64(offset), at: at(Int64(offset)), bytes: 1, now: .zero)
    }
    let outcomes = buffer.add(verdictOn: at(3), chosen: nil, from: verdicts, now: .zero)
    #expect(words(outcomes) == ["unjudged 1", "unjudged 2", "not chosen 3"])
    #expect(buffer.waitingExchanges == 1)
  }

  @Test func anExchangeTellsThatEarlierOnesWillNotCome() {
    var buffer = buffer()
    _ = buffer.add(verdictOn: at(5), chosen: 5, from: verdicts, now: .zero)
    _ = buffer.add(verdictOn: at(7), chosen: 7, from: verdicts, now: .zero)
    let outcomes3 = buffer.pass(exchangeAt: at(6))
    #expect(words(outcomes3) == ["orphaned 5"])
    let outcomes4 = buffer.add(exchange: 8, at: at(8), bytes: 1, now: .zero)
    #expect(words(outcomes4) == ["orphaned 7"])
    let late = buffer.add(verdictOn: at(4), chosen: 4, from: verdicts, now: .zero)
    #expect(words(late) == ["orphaned 4"])
  }

  @Test func aSecondVerdictOnTheLastExchangeDoesNotWait() {
    var buffer = buffer()
    _ = buffer.add(exchange: 5, at: at(5), bytes: 1, now: .zero)
    _ = buffer.add(verdictOn: at(5), chosen: 5, from: verdicts, now: .zero)
    let again = buffer.add(verdictOn: at(5), chosen: 55, from: verdicts, now: .zero)
    #expect(words(again) == ["orphaned 55"])
    #expect(buffer.waitingVerdicts == 0)
  }

  @Test func anExchangeBehindItsVerdictDoesNotWait() {
    var buffer = buffer()
    _ = buffer.add(verdictOn: at(5), chosen: nil, from: verdicts, now: .zero)
    let outcomes5 = buffer.add(exchange: 4, at: at(4), bytes: 1, now: .zero)
    #expect(words(outcomes5) == ["not chosen 4"])
    let outcomes6 = buffer.add(exchange: 5, at: at(5), bytes: 1, now: .zero)
    #expect(words(outcomes6) == ["not chosen 5"])
    let outcomes7 = buffer.add(exchange: 6, at: at(6), bytes: 1, now: .zero)
    #expect(words(outcomes7) == [])
  }

  @Test func whatWaitsTooLongIsGivenUp() {
    var buffer = buffer()
    _ = buffer.add(exchange: 1, at: at(1), bytes: 5, now: .zero)
    let other = SourcePosition(topic: "other", partition: 0, offset: 9)
    let later = Instant.zero.advanced(byMilliseconds: 500)
    _ = buffer.add(verdictOn: other, chosen: 9, from: verdicts, now: later)
    let outcomes8 = buffer.expire(now: later)
    #expect(words(outcomes8) == [])
    let end = Instant.zero.advanced(byMilliseconds: 1_000)
    let outcomes9 = buffer.expire(now: end)
    #expect(words(outcomes9) == ["exchange expired 1"])
    let outcomes10 = buffer.expire(now: end.advanced(byMilliseconds: 500))
    #expect(words(outcomes10) == ["verdict expired 9"])
    #expect(buffer.waitingBytes == 0)
  }

  @Test func partitionsThatGoTakeWhatWaits() {
    var buffer = buffer()
    _ = buffer.add(exchange: 1, at: at(1), bytes: 5, now: .zero)
    _ = buffer.add(verdictOn: at(3), chosen: 3, from: verdicts, now: .zero)
    buffer.forget([verdicts])
    #expect(buffer.waitingVerdicts == 0)
    _ = buffer.add(exchange: 4, at: at(4), bytes: 7, now: .zero)
    #expect(buffer.waitingExchanges == 1 && buffer.waitingBytes == 7)
    buffer.forget([input])
    #expect(buffer.waitingExchanges == 0 && buffer.waitingBytes == 0)
  }

  @Test func itSaysHowFullItIs() {
    var buffer = buffer(records: 4, bytes: 100)
    _ = buffer.add(exchange: 1, at: at(1), bytes: 30, now: .zero)
    #expect(buffer.exchangeFill == 0.3)
    _ = buffer.add(exchange: 2, at: at(2), bytes: 0, now: .zero)
    #expect(buffer.exchangeFill == 0.5)
    #expect(buffer.verdictFill == 0)
  }

  @Test(arguments: 0..<100)
  func everyExchangeIsSettledOnceWhateverTheOrder(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var buffer = buffer(records: 10_000, bytes: 1 << 30)
    var settled: [Int64: Int] = [:]
    var joined: Set<Int64> = []
    let count: Int64 = 200
    let chosen = Set((0..<count).filter { _ in generator.oneIn(3) })
    let unjudged = Set((0..<count).filter { _ in generator.oneIn(10) })
    var (nextExchange, nextVerdict): (Int64, Int64) = (0, 0)
    func settle(_ outcomes: [Buffer.Outcome]) {
      for outcome in outcomes {
        switch outcome {
        case .joined(let left, let right):
          #expect(left == right)
          joined.insert(left)
          settled[left, default: 0] += 1
        case .unjudged(let left), .notChosen(let left), .exchangeExpired(let left):
          settled[left, default: 0] += 1
        case .orphaned, .verdictExpired: Issue.record("no verdict is an orphan, seed \(seed)")
        }
      }
    }
    while nextExchange < count || nextVerdict < count {
      if nextVerdict == count || (nextExchange < count && Bool.random(using: &generator)) {
        settle(buffer.add(exchange: nextExchange, at: at(nextExchange), bytes: 1, now: .zero))
        nextExchange += 1
      } else {
        if !unjudged.contains(nextVerdict) {
          let isChosen = chosen.contains(nextVerdict)
          settle(
            buffer.add(
              verdictOn: at(nextVerdict), chosen: isChosen ? nextVerdict : nil, from: verdicts,
              now: .zero))
        }
        nextVerdict += 1
      }
    }
    settle(buffer.expire(now: Instant.zero.advanced(byMilliseconds: 2_000)))
    #expect(settled.count == Int(count) && settled.values.allSatisfy { $0 == 1 }, "seed \(seed)")
    #expect(joined == chosen.subtracting(unjudged), "seed \(seed)")
    #expect(buffer.waitingExchanges == 0 && buffer.waitingVerdicts == 0)
  }
}
