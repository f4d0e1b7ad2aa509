internal import CRdKafka
package import Records

extension KafkaConsumer {
  /// The partitions that are paused.
  package var pausedPartitions: Set<TopicPartition> {
    handle.context.membership.pausedPartitions
  }

  /// See `Source.hold`.
  package func hold(where isHeld: (TopicPartition) -> Bool) throws(KafkaError) {
    let paused = pausedPartitions
    let wanted = Set(try assignment().filter(isHeld))
    try pause(Array(wanted.subtracting(paused)))
    try resume(Array(paused.subtracting(wanted)))
  }

  /// Stops reading these partitions, which must be assigned; paused ones are left alone.
  ///
  /// What was fetched ahead is dropped and read again after `resume`, nothing is lost or repeated.
  /// Polling must go on, or the member is expelled. A pause ends when its partition is revoked; to
  /// hold newly assigned partitions, call this from the rebalance handler.
  package func pause(_ partitions: [TopicPartition]) throws(KafkaError) {
    let changed = handle.context.membership.notePaused(partitions)
    if changed.isEmpty { return }
    let list = TopicPartitionList(changed)
    let code = unsafe list.withPointer { unsafe rd_kafka_pause_partitions(handle.pointer, $0) }
    try handle.check(.pause, code)
    try release(list, .pause)
  }

  /// Goes on reading those of the partitions that are paused.
  ///
  /// The others are left alone, because resuming a partition that runs makes librdkafka fetch old
  /// records again (#4636).
  package func resume(_ partitions: [TopicPartition]) throws(KafkaError) {
    let changed = handle.context.membership.noteResumed(partitions)
    if changed.isEmpty { return }
    let list = TopicPartitionList(changed)
    let code = unsafe list.withPointer { unsafe rd_kafka_resume_partitions(handle.pointer, $0) }
    try handle.check(.resume, code)
    if let code = list.firstError { throw handle.error(.resume, code) }
  }

  /// Forgets the pauses that librdkafka refused, and throws the first reason.
  private func release(
    _ list: borrowing TopicPartitionList, _ operation: KafkaError.Operation
  ) throws(KafkaError) {
    guard let code = list.firstError else { return }
    _ = handle.context.membership.noteResumed(list.refused)
    throw handle.error(operation, code)
  }
}
