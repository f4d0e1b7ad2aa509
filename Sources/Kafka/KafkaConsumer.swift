internal import CRdKafka
package import Records
package import Transport

/// A member of a consumer group.
///
/// One thread polls and closes; the other calls may come from any thread, also from the rebalance
/// handler. Offsets are never stored or committed unless asked for: the application does that,
/// most often through a transaction.
@safe package final class KafkaConsumer: Source, @unchecked Sendable {
  // @unchecked Sendable: `reader` is touched only between `enter` and `leave` of the membership,
  // which let one thread in at a time.
  package typealias Cause = KafkaError

  let handle: ClientHandle
  private var reader = MessageReader()
  /// Rebalances and errors, but no records.
  private let groupQueue: OpaquePointer
  private let assignmentStrategy: String?

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
    assignmentStrategy = configuration["partition.assignment.strategy"]
    let context = CallbackContext(events: events)
    handle = try NativeConfiguration(configuration).makeClient(
      RD_KAFKA_CONSUMER, context: context)
    try unsafe handle.check(.createClient, rd_kafka_poll_set_consumer(handle.pointer))
    unsafe groupQueue = unsafe rd_kafka_queue_get_consumer(handle.pointer)
    unsafe rd_kafka_queue_cb_event_enable(
      groupQueue,
      { _, opaque in unsafe CallbackContext.of(opaque)?.membership.queues.noteNews() },
      Unmanaged.passUnretained(context).toOpaque())
  }

  deinit {
    unsafe rd_kafka_queue_cb_event_enable(groupQueue, nil, nil)
    unsafe handle.context.membership.queues.removeAll(at: handle.pointer)
    unsafe rd_kafka_queue_destroy(groupQueue)
  }

  /// Joins the group for these topics; a name that begins with `^` is a regular expression.
  package func subscribe(to topics: [String]) throws(KafkaError) {
    let list = TopicPartitionList(topics: topics)
    handle.context.membership.noteJoining(with: assignmentStrategy)
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
      try next(until: Deadline(after: timeout))
    }
  }

  /// Appends up to `max` records to `batch`: waits for the first, then takes what is there, one
  /// record of each partition in turn.
  ///
  /// A rebalance ends the call, so that nothing read after it stands in the same batch, and records
  /// of partitions that went are taken out of `batch`, wherever they came from: their next owner
  /// reads them again. `onChange` must not touch `batch`.
  package func poll(
    into batch: inout [InputRecord], max: Int, timeout: Duration,
    onChange: (AssignmentChange) -> Void
  ) throws(KafkaError) {
    try withHandler(onChange) { () throws(KafkaError) in
      defer { removeGone(from: &batch) }
      guard max > 0, let first = try next(until: Deadline(after: timeout)) else { return }
      batch.append(first)
      for _ in 1..<max {
        guard let record = try next(until: nil) else { return }
        batch.append(record)
      }
    }
  }

  /// See `Source.hold`. Newly assigned partitions are read until the next call.
  package func hold(where isHeld: (TopicPartition) -> Bool) {
    handle.context.membership.queues.hold(where: isHeld)
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
      try unsafe KafkaError.check(
        .close, rd_kafka_consumer_close_queue(handle.pointer, groupQueue))
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
      handle.context.membership.noteLeft()
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

  /// The next record, or nil when none comes in time or a rebalance takes place.
  ///
  /// - Parameter deadline: nil to take only what is there.
  private func next(until deadline: Deadline?) throws(KafkaError) -> InputRecord? {
    let membership = handle.context.membership
    // Whoever waits tells the group that this member lives, once at least.
    var servesGroup = deadline != nil
    while true {
      if membership.queues.takeNews() || servesGroup {
        servesGroup = false
        let generation = membership.generation
        while let message = unsafe rd_kafka_consumer_poll(handle.pointer, 0) {
          // The library tells of news once; what is left of it is looked at next time.
          membership.queues.noteNews()
          if let record = try unsafe take(message) { return record }
        }
        if membership.generation != generation {
          membership.queues.noteNews()
          return nil
        }
      }
      if let message = unsafe membership.queues.next() {
        if let record = try unsafe take(message) { return record }
        continue
      }
      guard let deadline, !deadline.isOver else { return nil }
      membership.queues.wait(until: deadline)
    }
  }

  /// Takes over what librdkafka gave: a record, nothing, or an error.
  private func take(
    _ message: UnsafeMutablePointer<rd_kafka_message_t>?
  ) throws(KafkaError) -> InputRecord? {
    guard let message = unsafe message else { return nil }
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
