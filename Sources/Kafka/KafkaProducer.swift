internal import CRdKafka
package import Records
internal import Synchronization

/// Writes records, inside transactions if it has a `transactional.id`.
///
/// One thread at a time sends and ends transactions. Delivery is reported for failures only: ask
/// `deliveryFailures` after a flush or a failed commit.
package final class KafkaProducer: Sendable {
  let handle: ClientHandle
  private let topics = Mutex(TopicHandles())

  /// Whether the producer writes inside transactions.
  package let isTransactional: Bool

  /// A record that did not reach the broker, by its index in the records sent since the last
  /// `beginRound`.
  package struct DeliveryFailure: Hashable, Sendable {
    package let index: Int
    package let error: KafkaError

    package init(index: Int, error: KafkaError) {
      self.index = index
      self.error = error
    }
  }

  /// Makes a producer; nothing is sent to the cluster before the first call needs it.
  ///
  /// `delivery.report.only.error` is always true. Keys choose partitions as Java's clients do
  /// (`murmur2_random`) and batches linger 5 ms, unless set.
  package init(
    _ configuration: KafkaConfiguration, events: KafkaEvents = KafkaEvents()
  ) throws(KafkaError) {
    var configuration = configuration
    configuration["delivery.report.only.error"] = "true"
    configuration.setDefault("partitioner", "murmur2_random")
    isTransactional = configuration["transactional.id"] != nil
    handle = try NativeConfiguration(configuration).makeClient(
      RD_KAFKA_PRODUCER, context: CallbackContext(events: events))
  }

  // The stored properties would go in the order of their declaration: the client first.
  deinit {
    topics.withLock { $0.removeAll() }
    guard unsafe rd_kafka_outq_len(handle.pointer) > 0 else { return }
    // What was not written is given up, and the library need not warn of it.
    unsafe _ = rd_kafka_purge(
      handle.pointer,
      RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING)
    unsafe _ = rd_kafka_flush(handle.pointer, 100)
  }

  /// The records of the current round that did not reach the broker, in their order. Complete after
  /// `flush` or after a commit, whether it succeeded or not.
  package var deliveryFailures: [DeliveryFailure] {
    handle.context.deliveries.failures.map {
      DeliveryFailure(index: $0.index, error: handle.error(.deliver, $0.code))
    }
  }

  /// Hands `records` to the library, in order, as one round: failures are counted from here.
  ///
  /// Waits while the library's queue is full. `isolated` are indices of records to be sent in
  /// requests of their own, so that one that the broker refuses takes no others with it.
  ///
  /// - Throws: `SendFailure`, with the index of the record where sending stopped; the records
  ///   before it have been handed over.
  package func send(
    _ records: [OutputRecord], isolated: Set<Int> = [], timeout: Duration
  ) throws(SendFailure) {
    let deadline = Deadline(after: timeout)
    let tag = handle.context.deliveries.beginRound()
    try topics.withLock { topics throws(SendFailure) in
      for index in records.indices {
        do throws(KafkaError) {
          let isAlone = isolated.contains(index)
          if isAlone { try flush(until: deadline) }
          let topic = try unsafe topics.handle(for: records[index].topic, at: handle.pointer)
          let produce = unsafe ProduceCall(
            client: handle.pointer, topic: topic, tag: tag | UInt(index))
          try hand(records[index], to: produce, until: deadline)
          if isAlone { try flush(until: deadline) }
        } catch {
          throw SendFailure(index: index, error: error)
        }
        // Serves reports of failures, so that the queue of reports stays short.
        if index % 1_024 == 1_023 { unsafe rd_kafka_poll(handle.pointer, 0) }
      }
    }
  }

  /// Waits until every record sent has been written or has failed.
  package func flush(timeout: Duration) throws(KafkaError) {
    try flush(until: Deadline(after: timeout))
  }

  private func flush(until deadline: Deadline) throws(KafkaError) {
    // The library looks only each 10 ms whether it is done, and at the end of its time: so the time
    // is cut into short pieces.
    while true {
      let code = unsafe rd_kafka_flush(handle.pointer, deadline.milliseconds(atMost: 1))
      if code == RD_KAFKA_RESP_ERR__TIMED_OUT, !deadline.isOver { continue }
      return try handle.check(.flush, code)
    }
  }

  private func hand(
    _ record: OutputRecord, to produce: ProduceCall, until deadline: Deadline
  ) throws(KafkaError) {
    while true {
      let error: KafkaError
      do throws(KafkaError) {
        return try produce(record)
      } catch let failure {
        error = failure
      }
      // Room comes from the library's own threads; polling serves the reports meanwhile.
      guard error.code == .queueFull, !deadline.isOver else {
        throw error.code == .fatal ? handle.error(.produce, .fatal) : error
      }
      unsafe rd_kafka_poll(handle.pointer, deadline.milliseconds(atMost: 10))
    }
  }
}

/// Why `send` stopped and where.
package struct SendFailure: Error, Hashable, Sendable {
  /// The record that was not handed over.
  package let index: Int
  package let error: KafkaError

  package init(index: Int, error: KafkaError) {
    self.index = index
    self.error = error
  }
}
