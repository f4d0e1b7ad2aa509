import Kafka
import Records
import Transport

/// Publishes on the simulated cluster: the program's own publisher, or an order of steps that is
/// known to be wrong, to show that the simulation can tell.
struct SimulatedPublisher: Sendable {
  /// In which order a transaction is written, and what is done after a doubt.
  enum Order: CaseIterable {
    /// As the program does it.
    case asBuilt
    /// As it was: offsets join before the records are acknowledged, and one producer serves for
    /// ever.
    case former
    /// The first half of the mend: offsets wait for the records.
    case acknowledgedFirst
  }

  private let body: @Sendable ([OutputRecord], [TopicPartition: Offset], Int) throws -> Void

  init(_ order: Order, cluster: SimulatedCluster, number: Int) {
    switch order {
    case .asBuilt:
      do {
        let publisher = try TransactionalPublisher(
          timeout: .seconds(10),
          makeProducer: { (_) throws(KafkaError) in
            SimulatedProducer(cluster: cluster, number: number)
          },
          committedOffsets: { (partitions, _) throws(KafkaError) in
            cluster.withState { $0.broker.committed(partitions) }
          })
        body = { try publisher.publish($0, offsets: $1, as: $2) }
      } catch {
        preconditionFailure("the simulated producer is always made")
      }
    case .former, .acknowledgedFirst:
      let producer = SimulatedProducer(cluster: cluster, number: number)
      let publisher = FormerPublisher(
        producer: producer, waitsForRecords: order == .acknowledgedFirst)
      body = { try publisher.publish($0, offsets: $1, generation: $2) }
    }
  }

  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], generation: Int
  ) throws(PublishFailure<KafkaError>) {
    do {
      try body(records, offsets, generation)
    } catch let error as PublishFailure<KafkaError> {
      throw error
    } catch {
      preconditionFailure("publishers throw `PublishFailure<KafkaError>`")
    }
  }
}

/// The order of before.
private struct FormerPublisher {
  let producer: SimulatedProducer
  let waitsForRecords: Bool

  func publish(
    _ records: [OutputRecord], offsets: [TopicPartition: Offset], generation: Int
  ) throws(PublishFailure<KafkaError>) {
    var isolated: Set<Int> = []
    while true {
      do throws(KafkaError) {
        return try transact(records, offsets, generation, isolated)
      } catch {
        if error.disposition == .fatal { throw .fatal(error) }
        // A commit that ran out of time may have happened.
        if error.operation == .commitTransaction { throw .fatal(error) }
        do throws(KafkaError) { try producer.abortTransaction() } catch { throw .fatal(error) }
        let refused = producer.deliveryFailures.filter(\.error.code.refusesRecord)
        guard let first = refused.first else { throw .aborted(error) }
        if refused.count == 1 || isolated.contains(first.index) {
          throw .rejected(index: first.index, first.error)
        }
        isolated.formUnion(refused.map(\.index))
      }
    }
  }

  private func transact(
    _ records: [OutputRecord], _ offsets: [TopicPartition: Offset], _ generation: Int,
    _ isolated: Set<Int>
  ) throws(KafkaError) {
    try producer.beginTransaction()
    do throws(SendFailure) {
      try producer.send(records, isolated: isolated, timeout: .seconds(1))
    } catch {
      throw error.error
    }
    if waitsForRecords { try producer.flush(timeout: .seconds(1)) }
    try producer.sendOffsets(offsets, group: generation, timeout: .seconds(1))
    try producer.commitTransaction(timeout: .seconds(1))
  }
}
