internal import CRdKafka
package import Records

extension KafkaProducer {
  /// Takes possession of the `transactional.id`: ends what an earlier holder left open and fences
  /// it. To be called once, before the first transaction; tries again until the time is up.
  package func initTransactions(timeout: Duration) throws(KafkaError) {
    try unsafe retrying(.initTransactions, timeout) {
      unsafe rd_kafka_init_transactions(handle.pointer, $0)
    }
  }

  /// Opens a transaction.
  package func beginTransaction() throws(KafkaError) {
    try unsafe KafkaError.check(.beginTransaction, rd_kafka_begin_transaction(handle.pointer))
  }

  /// Makes the offsets of the group part of the transaction: each the offset of the next record to
  /// read. No offsets, no call to the cluster.
  package func sendOffsets(
    _ offsets: [TopicPartition: Offset], group: ConsumerGroupMetadata, timeout: Duration
  ) throws(KafkaError) {
    if offsets.isEmpty { return }
    try unsafe TopicPartitionList(offsets).withPointer { list throws(KafkaError) in
      try unsafe retrying(.sendOffsets, timeout) {
        unsafe rd_kafka_send_offsets_to_transaction(handle.pointer, list, group.pointer, $0)
      }
    }
  }

  /// Waits for all records and commits the transaction.
  ///
  /// A retriable error means that it is not known whether the transaction was committed: the only
  /// way on is to call this again.
  package func commitTransaction(timeout: Duration) throws(KafkaError) {
    try unsafe retrying(.commitTransaction, timeout) {
      unsafe rd_kafka_commit_transaction(handle.pointer, $0)
    }
  }

  /// Takes back what was written in the transaction.
  package func abortTransaction(timeout: Duration) throws(KafkaError) {
    try unsafe retrying(.abortTransaction, timeout) {
      unsafe rd_kafka_abort_transaction(handle.pointer, $0)
    }
  }

  /// Calls `body` with the milliseconds left, again after each retriable error, at least once.
  private func retrying(
    _ operation: KafkaError.Operation, _ timeout: Duration, _ body: (Int32) -> OpaquePointer?
  ) throws(KafkaError) {
    let deadline = Deadline(after: timeout)
    while let pointer = unsafe body(max(1, deadline.milliseconds)) {
      let error = unsafe KafkaError(operation, consuming: pointer)
      if error.disposition != .retriable || deadline.isOver { throw error }
      // Most retriable errors come after a wait inside the library; this keeps the rest from
      // spinning, and serves reports.
      unsafe rd_kafka_poll(handle.pointer, deadline.milliseconds(atMost: 20))
    }
  }
}
