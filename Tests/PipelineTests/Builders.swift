import Basics
import Pipeline
import Records
import TestSupport

/// Drives a machine by hand: short names for what the tests do all the time.
final class Bench {
  var machine: StreamMachine
  var now = Instant.zero
  let partition = TopicPartition(topic: "in", partition: Partition(0))

  init(_ limits: StreamLimits = StreamLimits(), policies: PolicyBook = PolicyBook()) {
    machine = StreamMachine(limits: limits, policies: policies, now: .zero)
    machine.assign([partition])
  }

  static func record(_ offset: Int64, partition: Int32 = 0, bytes: Int = 10) -> InputRecord {
    InputRecord(
      source: SourcePosition(topic: "in", partition: partition, offset: offset), key: nil,
      value: Array(repeating: 65, count: bytes))
  }

  /// Reads and prepares records of `tokens` tokens each.
  func feed(
    _ offsets: ClosedRange<Int64>, tokens: Int = 3, bytes: Int = 10, model: String = "m@1"
  ) {
    let records = offsets.map { Self.record($0, bytes: bytes) }
    guard let chunk = receive(records) else { return }
    let items = chunk.items.map { Self.prepared($0, tokens: tokens, model: model) }
    machine.prepared(chunk.id, items, now: now)
  }

  static func prepared(_ item: StreamItem, tokens: Int, model: String = "m@1") -> PreparedItem {
    let exchange = PreparedExchange(
      id: "x",
      sequences: ExchangeSequences(prompt: [TokenSequence(Array(repeating: 7, count: tokens))]))
    return PreparedItem(
      item: item, format: .json, preparation: .judge(exchange), for: NamedModel(model: model))
  }

  func nextBatch() -> Batch? {
    if case .perform(let batch) = machine.nextBatch(now: now) { batch } else { nil }
  }

  /// Judges the next batch, if one is due, with the same score for all.
  @discardableResult
  func judge() -> Batch? {
    guard let batch = nextBatch() else { return nil }
    finish(batch)
    return batch
  }

  /// Judges a batch with the same score for all.
  func finish(_ batch: Batch) {
    let judgements = batch.exchanges.map {
      Judgement(promptScore: Score(0.9), responseScore: nil, tokens: $0.tokens, windows: 1)
    }
    machine.judged(batch.id, judgements, atMilliseconds: 0)
  }

  func nextTransaction() -> Transaction? {
    if case .perform(let transaction) = machine.nextTransaction(now: now) {
      transaction
    } else {
      nil
    }
  }

  func receive(_ records: [InputRecord]) -> Chunk? {
    machine.receive(records, now: now)
    return machine.nextChunk().work
  }

  func refuse(_ transaction: Transaction, item: Int) {
    machine.publishingFailed(
      transaction.id, .rejected(index: item, ListCause("too large")), item: item, now: now)
  }

  func flowChange() -> FlowChange? { machine.flowChange(now: now) }

  func wait(milliseconds: Int) { now = now.advanced(byMilliseconds: milliseconds) }
}

/// A model of which only the name matters.
struct NamedModel: Classifier {
  let model: String

  func judge(_ exchanges: [ExchangeSequences]) throws(ClassifierFailure) -> [Judgement] {
    throw ClassifierFailure(detail: "the bench judges by itself")
  }
}

extension Batch {
  /// Offsets of the batch's records.
  var offsets: [Int64] { items.map(\.item.record.source.offset.rawValue) }
}

extension Transaction {
  /// Offsets of the transaction's records.
  var recordOffsets: [Int64] { items.map(\.item.record.source.offset.rawValue) }
}
