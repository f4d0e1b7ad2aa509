import Kafka
import Records
import Synchronization

/// A producer on the simulated cluster that behaves as librdkafka's: it queues records and writes
/// them when it likes, adds partitions by itself, and sends again what is not answered.
final class SimulatedProducer: TransactionalProducer {
  private struct State {
    var epoch: Int
    var queue: [(index: Int, record: OutputRecord, isAlone: Bool)] = []
    var partitions: Set<TopicPartition> = []
    var sequences: [TopicPartition: Int] = [:]
    var failures: [KafkaProducer.DeliveryFailure] = []
    var unanswered = 0
    var isEmpty = true
  }

  private let cluster: SimulatedCluster
  private let number: Int
  private let state: Mutex<State>

  /// Takes possession of the identity `number`, and ends what its last holder left open.
  init(cluster: SimulatedCluster, number: Int) {
    self.cluster = cluster
    self.number = number
    state = Mutex(State(epoch: cluster.fence(number)))
  }

  var deliveryFailures: [KafkaProducer.DeliveryFailure] { state.withLock { $0.failures } }

  var unansweredRequests: Int { state.withLock { $0.unanswered } }

  func beginTransaction() throws(KafkaError) {
    state.withLock { state in
      state.queue = []
      state.partitions = []
      state.failures = []
      state.isEmpty = true
    }
  }

  func send(
    _ records: [OutputRecord], isolated: Set<Int>, timeout: Duration
  ) throws(SendFailure) {
    state.withLock { state in
      for (index, record) in records.enumerated() {
        state.queue.append((index, record, isolated.contains(index)))
      }
    }
    // Some go at once, the rest when somebody waits for them.
    do throws(KafkaError) {
      while cluster.withState({ $0.random.oneIn(2) }), try writeSome() {}
    } catch {
      throw SendFailure(index: 0, error: error)
    }
  }

  func flush(timeout: Duration) throws(KafkaError) {
    while try writeSome() {}
  }

  func sendOffsets(
    _ offsets: [TopicPartition: Offset], group generation: Int, timeout: Duration
  ) throws(KafkaError) {
    if offsets.isEmpty { return }
    try failIfSpoilt()
    try request(.addOffsets, .sendOffsets)
    try request(.commitOffsets(offsets, generation: generation), .sendOffsets)
    state.withLock { $0.isEmpty = false }
  }

  func commitTransaction(timeout: Duration) throws(KafkaError) {
    try flush(timeout: timeout)
    try failIfSpoilt()
    if state.withLock({ $0.isEmpty }) { return }
    try request(.endTransaction(isCommit: true), .commitTransaction)
  }

  /// Ends the transaction without its records, as librdkafka does: with a new epoch if records were
  /// lost. For the order of before, which did not take a fresh producer.
  func abortTransaction() throws(KafkaError) {
    try request(.endTransaction(isCommit: false), .commitTransaction)
    let number = number
    state.withLock { state in
      guard !state.failures.isEmpty || !state.queue.isEmpty else { return }
      state.epoch = cluster.fence(number)
      state.sequences = [:]
    }
  }

  private func failIfSpoilt() throws(KafkaError) {
    if let failure = state.withLock({ $0.failures.first }) { throw failure.error }
  }

  /// Writes the first few records of the queue that go to one partition; false when it is empty.
  private func writeSome() throws(KafkaError) -> Bool {
    guard let first = state.withLock({ $0.queue.first }) else { return false }
    let partition = TopicPartition(
      topic: first.record.topic, partition: first.record.partition ?? Partition(0))
    let limit = first.isAlone ? 1 : cluster.withState { Int.random(in: 1...6, using: &$0.random) }
    let batch = state.withLock { state in
      state.queue.prefix { $0.record.partition == partition.partition }.prefix(limit)
        .prefix { $0.index == first.index || !$0.isAlone }
    }
    if state.withLock({ $0.partitions.insert(partition).inserted }) {
      try request(.addPartition(partition), .produce)
    }
    let sequence = state.withLock { $0.sequences[partition, default: 0] }
    state.withLock { state in
      state.queue.removeFirst(batch.count)
      state.isEmpty = false
    }
    do throws(KafkaError) {
      try request(
        .produce(partition, sequence: sequence, batch.map(\.record)), .deliver)
      state.withLock { $0.sequences[partition, default: 0] += batch.count }
    } catch {
      if error.disposition == .fatal { throw error }
      state.withLock { state in
        state.failures += batch.map { KafkaProducer.DeliveryFailure(index: $0.index, error: error) }
        state.queue = []
      }
    }
    return true
  }

  private func request(
    _ request: SimulatedBroker.Request, _ operation: KafkaError.Operation
  ) throws(KafkaError) {
    let epoch = state.withLock { $0.epoch }
    var unanswered = 0
    let answer = cluster.exchange(request, of: number, epoch: epoch, unanswered: &unanswered)
    state.withLock { $0.unanswered += unanswered }
    switch answer {
    case .done(nil): return
    case .done(let code?): throw KafkaError(operation, code)
    case .timedOut: throw KafkaError(operation, .timedOut)
    case .killed: throw KafkaError(operation, .fatal)
    }
  }
}
