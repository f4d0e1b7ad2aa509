internal import CRdKafka
internal import Records
internal import Synchronization
internal import Transport

/// The consumer's part in its group: performs what librdkafka's rebalance callback asks for.
final class GroupMembership: @unchecked Sendable {
  // @unchecked Sendable: `handler`, `gone` and `generation` are only touched between `enter` and
  // `leave`, of which one thread at a time can stand (a second one stops the program), and the
  // callback runs on that thread.
  private let isEntered = Atomic(false)
  private var handler: ((AssignmentChange) -> Void)?
  /// Partitions that went since `enter`.
  private(set) var gone: Set<TopicPartition> = []
  /// Counts the callbacks: a topic's handle can be freed, and its address used again, only there.
  private(set) var generation = 0
  /// Whether partitions were assigned since the member came or last left.
  var isJoined: Bool { assigned.load(ordering: .acquiring) }
  private let assigned = Atomic(false)
  /// Whether the client joins with the cooperative assignor, and was never assigned anything.
  private let awaitsCooperation = Atomic(false)
  /// What was fetched of the assigned partitions.
  let queues = PartitionQueues()

  /// Begins a poll of this thread, during which rebalances go to `handler`.
  func enter(_ handler: @escaping (AssignmentChange) -> Void) {
    let wasEntered = isEntered.exchange(true, ordering: .acquiring)
    precondition(!wasEntered, "a consumer is polled by one thread at a time")
    self.handler = handler
    gone.removeAll()
  }

  /// Ends the poll.
  func leave() {
    handler = nil
    isEntered.store(false, ordering: .releasing)
  }

  /// The member has left its group in order.
  func noteLeft() { assigned.store(false, ordering: .releasing) }

  /// librdkafka's rebalance callback.
  func rebalance(
    _ client: OpaquePointer, code: rd_kafka_resp_err_t,
    list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, report: (KafkaError) -> Void
  ) {
    let partitions = unsafe list.pointee.partitions
    generation += 1
    // Without this the same poll could go on and return a message of the new assignment.
    defer { unsafe rd_kafka_yield(client) }
    do throws(KafkaError) {
      switch code {
      case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
        unsafe queues.add(partitions, at: client)
        assigned.store(true, ordering: .releasing)
        awaitsCooperation.store(false, ordering: .releasing)
        try unsafe assign(list, at: client)
        handler?(.assigned(partitions))
      case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
        gone.formUnion(partitions)
        let areLost = unsafe rd_kafka_assignment_lost(client) != 0
        handler?(areLost ? .lost(partitions) : .revoked(partitions))
        unsafe queues.remove(partitions, at: client)
        try unsafe unassign(list, at: client)
      default:
        unsafe queues.removeAll(at: client)
        unsafe rd_kafka_assign(client, nil)
        throw KafkaError(.assign, KafkaErrorCode(code))
      }
    } catch {
      report(error)
    }
  }

  /// Whether freeing the client would end the process: before 2.3 librdkafka's cooperative assignor
  /// wants to free what it made for the first assignment, also where there was none (#4312).
  var mustStay: Bool { awaitsCooperation.load(ordering: .acquiring) }

  /// The member joins a group, with one of these assignors.
  func noteJoining(with strategy: String?) {
    let isConcerned =
      strategy?.contains("cooperative-sticky") == true && rd_kafka_version() < 0x0203_0000
    awaitsCooperation.store(isConcerned && !isJoined, ordering: .releasing)
  }

  private func isCooperative(_ client: OpaquePointer) -> Bool {
    guard let name = unsafe rd_kafka_rebalance_protocol(client) else { return false }
    return unsafe String(cString: name) == "COOPERATIVE"
  }

  private func assign(
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, at client: OpaquePointer
  ) throws(KafkaError) {
    if unsafe isCooperative(client) {
      try unsafe KafkaError.check(.assign, rd_kafka_incremental_assign(client, list))
    } else {
      try unsafe KafkaError.check(.assign, rd_kafka_assign(client, list))
    }
  }

  private func unassign(
    _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>, at client: OpaquePointer
  ) throws(KafkaError) {
    if unsafe isCooperative(client) {
      try unsafe KafkaError.check(.assign, rd_kafka_incremental_unassign(client, list))
    } else {
      try unsafe KafkaError.check(.assign, rd_kafka_assign(client, nil))
    }
  }
}
