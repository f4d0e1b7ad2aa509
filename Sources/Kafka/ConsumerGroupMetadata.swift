internal import CRdKafka

/// A consumer's identity within its group: name, generation and member.
///
/// A transaction that commits offsets carries it, so that the coordinator can refuse a member that
/// has been replaced (KIP-447). Take it for each transaction; it is outdated after a rebalance.
@safe package final class ConsumerGroupMetadata: @unchecked Sendable {
  // @unchecked Sendable: nothing changes the object between its making and its one destruction.
  let pointer: OpaquePointer

  init(owning pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

  /// The identity of a group as one who is no member of it has.
  package init(group: String) throws(KafkaError) {
    guard let pointer = unsafe rd_kafka_consumer_group_metadata_new(group) else {
      throw KafkaError(.configure, .invalidArgument, message: "no group metadata")
    }
    unsafe self.pointer = unsafe pointer
  }

  deinit { unsafe rd_kafka_consumer_group_metadata_destroy(pointer) }
}
