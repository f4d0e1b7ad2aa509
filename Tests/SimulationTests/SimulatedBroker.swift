import Kafka
import Records

/// A broker of one input and one output topic and one consumer group, reduced to what exactly once
/// rests on: Kafka's protocol of transactions before KIP-890, request by request. It cannot tell a
/// late request from a new one but by the producer's epoch, and by the sequence numbers of records.
struct SimulatedBroker {
  /// What a record of the output topic tells.
  struct Output: Hashable {
    let source: SourcePosition
    let model: String
    let isDeadLetter: Bool
  }

  /// A request that writes. Each carries its producer's number and epoch.
  enum Request: Hashable {
    case addPartition(TopicPartition)
    /// `sequence` is that of the first record.
    case produce(TopicPartition, sequence: Int, [OutputRecord])
    case addOffsets
    case commitOffsets([TopicPartition: Offset], generation: Int)
    case endTransaction(isCommit: Bool)
  }

  private struct Entry {
    let producer: Int
    let record: OutputRecord
    /// nil while its transaction is open.
    var isCommitted: Bool?
  }

  /// What a partition's leader knows of a producer.
  private struct ProducerState {
    var epoch: Int
    var nextSequence: Int
  }

  private struct Log {
    var entries: [Entry] = []
    var producers: [Int: ProducerState] = [:]
  }

  /// What the coordinator knows of a producer.
  private struct Coordination {
    var epoch = 0
    var isOngoing = false
    var partitions: Set<TopicPartition> = []
    var hasOffsets = false
    /// How the last transaction ended; nil when there was none under this epoch.
    var lastEnd: Bool?
  }

  private struct Commit {
    let offset: Offset
    /// The place of its record in the log of offsets: a later one wins.
    let place: Int
  }

  let recordsPerPartition: Int
  let partitions: [TopicPartition]
  /// Whether leaders ask the coordinator if a transaction is open, as since Kafka 3.6.
  let verifiesTransactions: Bool
  private(set) var generation = 0
  private(set) var owners: [TopicPartition: Int] = [:]
  /// What should never have happened.
  private(set) var violations: [String] = []
  private var coordinations: [Int: Coordination] = [:]
  private var logs: [TopicPartition: Log] = [:]
  private var commits: [TopicPartition: Commit] = [:]
  private var pending: [Int: [TopicPartition: Commit]] = [:]
  /// The newest epoch of each producer that the log of offsets has seen.
  private var offsetEpochs: [Int: Int] = [:]
  private var offsetsPlace = 0

  init(partitionCount: Int, recordsPerPartition: Int, verifiesTransactions: Bool) {
    self.recordsPerPartition = recordsPerPartition
    self.verifiesTransactions = verifiesTransactions
    partitions = (0..<partitionCount).map {
      TopicPartition(topic: "in", partition: Partition(Int32($0)))
    }
  }

  // MARK: What is read

  var isComplete: Bool {
    partitions.allSatisfy { commits[$0]?.offset == Offset(Int64(recordsPerPartition)) }
  }

  /// What a reader of committed records sees of an input partition's outputs.
  func outputs(of partition: TopicPartition) -> [Output] {
    (logs[Self.output(of: partition)]?.entries ?? []).filter { $0.isCommitted == true }
      .compactMap { Output($0.record) }
  }

  /// The record at an offset: every 7th is poison, every 11th malformed, every 13th a tombstone.
  func record(_ partition: TopicPartition, _ offset: Offset) -> InputRecord? {
    guard offset.rawValue < recordsPerPartition else { return nil }
    let number = Int(offset.rawValue)
    let isTombstone = number % 13 == 12
    return InputRecord(
      source: SourcePosition(topicPartition: partition, offset: offset), key: nil,
      value: isTombstone ? nil : Array(repeating: 65, count: 1 + number % 50))
  }

  /// Where the group goes on. A transaction that is open holds the answer up until the coordinator
  /// gives it up for its age, which raises the epoch.
  mutating func position(of partition: TopicPartition) -> Offset {
    for (producer, commits) in pending where commits[partition] != nil {
      if coordinations[producer]?.isOngoing == true { _ = fence(producer) }
    }
    return commits[partition]?.offset ?? Offset(0)
  }

  func committed(_ partitions: [TopicPartition]) -> [TopicPartition: Offset] {
    var offsets: [TopicPartition: Offset] = [:]
    for partition in partitions { offsets[partition] = commits[partition]?.offset }
    return offsets
  }

  static func output(of partition: TopicPartition) -> TopicPartition {
    TopicPartition(topic: "out", partition: partition.partition)
  }

  // MARK: What is written

  mutating func note(violation: String) { violations.append(violation) }

  /// Gives the partitions to members anew, in a new generation.
  mutating func assign(_ owners: [TopicPartition: Int]) {
    generation += 1
    self.owners = owners
  }

  /// InitProducerId: ends what the producer left open, and returns the epoch that shuts out all
  /// earlier ones.
  mutating func fence(_ producer: Int) -> Int {
    var coordination = coordinations[producer] ?? Coordination()
    coordination.epoch += 1
    if coordination.isOngoing { end(producer, &coordination, isCommit: false) }
    coordination.lastEnd = nil
    coordinations[producer] = coordination
    return coordination.epoch
  }

  /// The answer to a request; nil is success.
  mutating func handle(_ request: Request, of producer: Int, epoch: Int) -> KafkaErrorCode? {
    switch request {
    case .produce(let partition, let sequence, let records):
      return append(records, to: partition, sequence: sequence, of: producer, epoch: epoch)
    case .commitOffsets(let offsets, let generation):
      return keep(offsets, generation, of: producer, epoch: epoch)
    case .addPartition, .addOffsets, .endTransaction: break
    }
    var coordination = coordinations[producer] ?? Coordination()
    guard epoch == coordination.epoch else { return .producerFenced }
    var answer: KafkaErrorCode?
    switch request {
    case .addPartition(let partition):
      coordination.isOngoing = true
      coordination.partitions.insert(partition)
    case .addOffsets:
      coordination.isOngoing = true
      coordination.hasOffsets = true
    case .endTransaction(let isCommit):
      if coordination.isOngoing {
        end(producer, &coordination, isCommit: isCommit)
      } else if coordination.lastEnd != isCommit {
        answer = .invalidTransactionState
      }
    case .produce, .commitOffsets: break
    }
    coordinations[producer] = coordination
    return answer
  }

  private func isOngoing(_ producer: Int, _ epoch: Int) -> Coordination? {
    guard let coordination = coordinations[producer], coordination.isOngoing,
      coordination.epoch == epoch
    else { return nil }
    return coordination
  }

  private mutating func append(
    _ records: [OutputRecord], to partition: TopicPartition, sequence: Int, of producer: Int,
    epoch: Int
  ) -> KafkaErrorCode? {
    var log = logs[partition] ?? Log()
    var state = log.producers[producer] ?? ProducerState(epoch: epoch, nextSequence: 0)
    if epoch < state.epoch { return .invalidProducerEpoch }
    if epoch > state.epoch { state = ProducerState(epoch: epoch, nextSequence: 0) }
    if sequence < state.nextSequence { return nil }  // written before
    if sequence > state.nextSequence { return .outOfOrderSequence }
    if verifiesTransactions, isOngoing(producer, epoch)?.partitions.contains(partition) != true {
      return .invalidTransactionState
    }
    if records.contains(where: SimulatedPayload.isTooLarge) { return .messageSizeTooLarge }
    state.nextSequence += records.count
    log.producers[producer] = state
    log.entries += records.map { Entry(producer: producer, record: $0) }
    logs[partition] = log
    return nil
  }

  private mutating func keep(
    _ offsets: [TopicPartition: Offset], _ memberGeneration: Int, of producer: Int, epoch: Int
  ) -> KafkaErrorCode? {
    guard memberGeneration == generation else { return .illegalGeneration }
    guard epoch >= offsetEpochs[producer, default: 0] else { return .invalidProducerEpoch }
    if verifiesTransactions, isOngoing(producer, epoch)?.hasOffsets != true {
      return .invalidTransactionState
    }
    offsetEpochs[producer] = epoch
    offsetsPlace += 1
    for (partition, offset) in offsets {
      pending[producer, default: [:]][partition] = Commit(offset: offset, place: offsetsPlace)
    }
    return nil
  }

  /// Writes the marks that end a transaction.
  private mutating func end(_ producer: Int, _ coordination: inout Coordination, isCommit: Bool) {
    for partition in coordination.partitions {
      var log = logs[partition] ?? Log()
      for index in log.entries.indices
      where log.entries[index].producer == producer && log.entries[index].isCommitted == nil {
        log.entries[index].isCommitted = isCommit
      }
      var state = log.producers[producer] ?? ProducerState(epoch: 0, nextSequence: 0)
      if coordination.epoch > state.epoch {
        state = ProducerState(epoch: coordination.epoch, nextSequence: 0)
      }
      log.producers[producer] = state
      logs[partition] = log
    }
    if coordination.hasOffsets {
      offsetEpochs[producer] = max(offsetEpochs[producer, default: 0], coordination.epoch)
      for (partition, commit) in pending.removeValue(forKey: producer) ?? [:] where isCommit {
        if let known = commits[partition], known.place > commit.place { continue }
        commits[partition] = commit
      }
    }
    coordination.isOngoing = false
    coordination.partitions = []
    coordination.hasOffsets = false
    coordination.lastEnd = isCommit
  }
}
