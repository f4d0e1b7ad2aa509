import Pipeline
import Records
import Testing

/// A broker of one input topic and one consumer group, reduced to what exactly-once rests on:
/// committed offsets, committed outputs, and fencing by the group's generation.
struct SimulatedBroker {
  /// One committed output, with the transaction that brought it.
  struct Output {
    let source: SourcePosition
    let model: String
    let isDeadLetter: Bool
  }

  let topic = "in"
  let recordsPerPartition: Int
  let partitions: [TopicPartition]
  private(set) var generation = 0
  private(set) var owners: [TopicPartition: Int] = [:]
  private(set) var committed: [TopicPartition: Offset] = [:]
  private(set) var outputs: [TopicPartition: [Output]] = [:]

  init(partitionCount: Int, recordsPerPartition: Int) {
    self.recordsPerPartition = recordsPerPartition
    partitions = (0..<partitionCount).map {
      TopicPartition(topic: "in", partition: Partition(Int32($0)))
    }
  }

  var isComplete: Bool {
    partitions.allSatisfy { committed[$0] == Offset(Int64(recordsPerPartition)) }
  }

  func position(of partition: TopicPartition) -> Offset { committed[partition] ?? Offset(0) }

  /// The record at an offset: every 7th is poison, every 11th malformed, every 13th a tombstone.
  func record(_ partition: TopicPartition, _ offset: Offset) -> InputRecord? {
    guard offset.rawValue < recordsPerPartition else { return nil }
    let number = Int(offset.rawValue)
    let isTombstone = number % 13 == 12
    return InputRecord(
      source: SourcePosition(topicPartition: partition, offset: offset), key: nil,
      value: isTombstone ? nil : Array(repeating: 65, count: 1 + number % 50))
  }

  /// Gives the partitions to members anew, in a new generation.
  mutating func assign(_ owners: [TopicPartition: Int]) {
    generation += 1
    self.owners = owners
  }

  /// Commits a transaction of a member, or refuses it when the member's generation is over.
  mutating func commit(
    _ transaction: Transaction, member: Int, generation memberGeneration: Int
  ) -> Bool {
    guard memberGeneration == generation else { return false }
    for partition in transaction.offsets.keys { #expect(owners[partition] == member) }
    #expect(Set(transaction.items.map(\.model)).count == 1, "one model per transaction")
    for item in transaction.items {
      let source = item.item.record.source
      let isDeadLetter = if case .deadLetter = item.outcome { true } else { false }
      outputs[source.topicPartition, default: []].append(
        Output(source: source, model: item.model, isDeadLetter: isDeadLetter))
    }
    for (partition, offset) in transaction.offsets {
      #expect(offset >= position(of: partition), "an offset went backwards")
      committed[partition] = offset
      let count = outputs[partition]?.count ?? 0
      #expect(Int64(count) == offset.rawValue, "an offset was committed past an unpublished record")
    }
    return true
  }
}
