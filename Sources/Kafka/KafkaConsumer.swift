internal import CRdKafka
package import Records
package import Transport

/// A member of a consumer group.
///
/// One thread polls and closes; the other calls may come from any thread, also from the rebalance
/// handler. Offsets are never stored or committed unless asked for: the application does that,
/// most often through a transaction.
package final class KafkaConsumer: Source, @unchecked Sendable {
  // @unchecked Sendable: `reader` is touched only between `enter` and `leave` of the membership,
  // which let one thread in at a time.
  let handle: ClientHandle
  private var reader = MessageReader()

  /// Makes a consumer that has not joined its group yet.
  ///
  /// `enable.auto.commit`, `enable.auto.offset.store` and `enable.partition.eof` are always false;
  /// `isolation.level` is `read_committed` unless set.
  package init(
    _ configuration: KafkaConfiguration, events: KafkaEvents = KafkaEvents()
  ) throws(KafkaError) {
    if configuration["group.id"] == nil {
      throw KafkaError(
        .configure, .invalidArgument, message: "a consumer needs the property \"group.id\"")
    }
    var configuration = configuration
    configuration["enable.auto.commit"] = "false"
    configuration["enable.auto.offset.store"] = "false"
    configuration["enable.partition.eof"] = "false"
    configuration.setDefault("isolation.level", "read_committed")
    let context = CallbackContext(events: events)
    handle = try NativeConfiguration(configuration).makeClient(
      RD_KAFKA_CONSUMER, context: context)
    try unsafe handle.check(.createClient, rd_kafka_poll_set_consumer(handle.pointer))
  }

  /// Joins the group for these topics; a name that begins with `^` is a regular expression.
  package func subscribe(to topics: [String]) throws(KafkaError) {
    let list = TopicPartitionList(topics: topics)
    let code = unsafe list.withPointer { unsafe rd_kafka_subscribe(handle.pointer, $0) }
    try handle.check(.subscribe, code)
  }

  /// The next record, or nil when none came in time or a rebalance took place.
  ///
  /// `onChange` is called on this thread, before the call returns. Errors that heal by
  /// themselves go to the events' error handler; what is thrown is fatal.
  package func poll(
    timeout: Duration, onChange: (AssignmentChange) -> Void
  ) throws(KafkaError) -> InputRecord? {
    try withHandler(onChange) { () throws(KafkaError) -> InputRecord? in
      try pollOnce(timeoutMilliseconds: timeout.waitMilliseconds)
    }
  }

  /// Appends up to `max` records to `batch`: waits for the first, then takes what is there.
  ///
  /// A rebalance ends the call, so that nothing read after it stands in the same batch, and records
  /// of partitions that went are taken out of `batch`, wherever they came from: their next owner
  /// reads them again. `onChange` must not touch `batch`.
  package func poll(
    into batch: inout [InputRecord], max: Int, timeout: Duration,
    onChange: (AssignmentChange) -> Void
  ) throws(KafkaError) {
    let milliseconds = timeout.waitMilliseconds
    try withHandler(onChange) { () throws(KafkaError) in
      defer { removeGone(from: &batch) }
      guard max > 0, let first = try pollOnce(timeoutMilliseconds: milliseconds) else { return }
      batch.append(first)
      for _ in 1..<max {
        guard let record = try pollOnce(timeoutMilliseconds: 0) else { return }
        batch.append(record)
      }
    }
  }

  /// Leaves the group, with a last revocation through `onChange`; false when that did not end in
  /// time. The consumer is of no use afterwards, whatever the result.
  ///
  /// Records that still come are dropped. Members with a `group.instance.id` keep their place.
  package func close(
    timeout: Duration, onChange: (AssignmentChange) -> Void
  ) throws(KafkaError) -> Bool {
    let deadline = Deadline(after: timeout)
    return try withHandler(onChange) { () throws(KafkaError) -> Bool in
      // The plain close has no bound and can hang (librdkafka #4528): begin it, then serve what it
      // needs until the deadline.
      guard let queue = unsafe rd_kafka_queue_get_consumer(handle.pointer) else { return true }
      defer { unsafe rd_kafka_queue_destroy(queue) }
      try unsafe KafkaError.check(.close, rd_kafka_consumer_close_queue(handle.pointer, queue))
      while unsafe rd_kafka_consumer_closed(handle.pointer) == 0 {
        if deadline.isOver {
          handle.context.abandon()
          return false
        }
        if let message = unsafe rd_kafka_consumer_poll(
          handle.pointer, deadline.milliseconds(atMost: 50))
        {
          unsafe rd_kafka_message_destroy(message)
        }
      }
      return true
    }
  }

  /// Runs `body` as the one thread that polls, with `handler` in reach of the callback.
  private func withHandler<Result>(
    _ handler: (AssignmentChange) -> Void, _ body: () throws(KafkaError) -> Result
  ) throws(KafkaError) -> Result {
    try withoutActuallyEscaping(handler) { handler throws(KafkaError) -> Result in
      handle.context.membership.enter(handler)
      defer { handle.context.membership.leave() }
      return try body()
    }
  }

  private func pollOnce(timeoutMilliseconds: Int32) throws(KafkaError) -> InputRecord? {
    guard let message = unsafe rd_kafka_consumer_poll(handle.pointer, timeoutMilliseconds) else {
      return nil
    }
    defer { unsafe rd_kafka_message_destroy(message) }
    let code = KafkaErrorCode(unsafe message.pointee.err)
    if code == .none {
      return unsafe reader.record(message, generation: handle.context.membership.generation)
    }
    if code == .partitionEnd { return nil }
    let error = handle.error(.poll, code)
    // What spoils a transaction, such as a missing right, spoils nothing here: the library goes on
    // trying, and so can the caller.
    guard error.disposition == .fatal else {
      handle.context.report(error)
      return nil
    }
    throw error
  }

  private func removeGone(from batch: inout [InputRecord]) {
    let gone = handle.context.membership.gone
    if gone.isEmpty { return }
    batch.removeAll { gone.contains($0.source.topicPartition) }
  }
}
