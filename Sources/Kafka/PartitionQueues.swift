internal import CRdKafka
internal import DequeModule
internal import Records
internal import Threading

/// The assigned partitions' queues, from which records are taken in turn.
///
/// librdkafka puts what it fetches into one queue, in the order in which it came. With a backlog
/// that is some thousand records of one partition, then of the next, and whoever judges slowly
/// lets some partitions wait for minutes. So each partition has a queue of its own, those that
/// have records stand in a line, and each gives one record before it goes to the line's end.
///
/// The polling thread calls everything but `noteNews`, which comes from librdkafka's threads.
final class PartitionQueues: @unchecked Sendable {
  // @unchecked Sendable: `queues` belongs to the polling thread.
  private var queues: [TopicPartition: PartitionQueue] = [:]
  private let line = Monitor(PartitionLine())

  /// Gives these partitions queues of their own, before they are assigned.
  func add(_ partitions: [TopicPartition], at client: OpaquePointer) {
    for partition in partitions where queues[partition] == nil {
      guard let queue = unsafe PartitionQueue(partition, at: client, line: line) else { continue }
      queues[partition] = queue
    }
  }

  /// Drops the queues of these partitions, before they are given back.
  func remove(_ partitions: [TopicPartition], at client: OpaquePointer) {
    let group = unsafe rd_kafka_queue_get_consumer(client)
    defer { unsafe rd_kafka_queue_destroy(group) }
    for partition in partitions {
      guard let queue = queues.removeValue(forKey: partition) else { continue }
      unsafe queue.close(leavingRestTo: group)
      line.withLock { $0.remove(queue) }
    }
  }

  /// Drops every queue.
  func removeAll(at client: OpaquePointer) { unsafe remove(Array(queues.keys), at: client) }

  /// Holds back those of the partitions that are chosen, and no others.
  func hold(where isHeld: (TopicPartition) -> Bool) {
    line.withLock { line in
      for (partition, queue) in queues { line.setHeld(queue, isHeld(partition)) }
    }
  }

  /// The next record, or error, of the partition whose turn it is; nil when none has any.
  func next() -> UnsafeMutablePointer<rd_kafka_message_t>? {
    // A partition out of the line comes back by `noteRecords`, when its empty queue is filled: so
    // it leaves the line before its queue is looked at.
    while let queue = line.withLock({ $0.popFirst() }) {
      if let message = unsafe queue.take() {
        line.withLock { $0.append(queue) }
        return unsafe message
      }
    }
    return nil
  }

  // MARK: Waiting

  /// Something came that only a poll of the group serves.
  func noteNews() { line.update { $0.hasNews = true } }

  /// Whether there was such a thing since the last call.
  func takeNews() -> Bool {
    line.withLock { line in
      defer { line.hasNews = false }
      return line.hasNews
    }
  }

  /// Waits until there is news or a partition has its turn, or the time is over.
  func wait(until deadline: Deadline) {
    line.wait { line in
      line.hasNews || !line.isEmpty || deadline.isOver
        ? .done(()) : .sleep(atMost: deadline.remaining)
    }
  }
}

/// Partitions that have records, in the order of their turns.
struct PartitionLine {
  /// Whether the group wants to be polled.
  var hasNews = false
  private var waiting = Deque<PartitionQueue>()

  /// Whether no partition waits for its turn.
  var isEmpty: Bool { waiting.isEmpty }

  /// Puts a queue that may have records at the end; one that is held stands aside.
  mutating func append(_ queue: PartitionQueue) {
    if queue.mayHaveRecords { return }
    queue.mayHaveRecords = true
    if !queue.isHeld { waiting.append(queue) }
  }

  /// Takes the first out.
  mutating func popFirst() -> PartitionQueue? {
    let queue = waiting.popFirst()
    queue?.mayHaveRecords = false
    return queue
  }

  mutating func setHeld(_ queue: PartitionQueue, _ isHeld: Bool) {
    guard queue.isHeld != isHeld else { return }
    queue.isHeld = isHeld
    guard queue.mayHaveRecords else { return }
    if isHeld { waiting.removeAll { $0 === queue } } else { waiting.append(queue) }
  }

  mutating func remove(_ queue: PartitionQueue) { waiting.removeAll { $0 === queue } }
}

/// One partition's queue in librdkafka.
@safe final class PartitionQueue: @unchecked Sendable {
  // @unchecked Sendable: the two marks belong to the line's lock, `pointer` to the polling thread.
  fileprivate var mayHaveRecords = false
  fileprivate var isHeld = false
  private let pointer: OpaquePointer
  private let line: Monitor<PartitionLine>

  /// Takes the partition's records out of the group's queue; nil when the library knows none.
  fileprivate init?(
    _ partition: TopicPartition, at client: OpaquePointer, line: Monitor<PartitionLine>
  ) {
    let queue = unsafe rd_kafka_queue_get_partition(
      client, partition.topic, partition.partition.rawValue)
    guard let queue = unsafe queue else { return nil }
    unsafe pointer = unsafe queue
    self.line = line
    unsafe rd_kafka_queue_forward(queue, nil)
    // Until `close` the callback holds this object.
    unsafe rd_kafka_queue_cb_event_enable(
      queue,
      { _, opaque in
        guard let opaque = unsafe opaque else { return }
        unsafe Unmanaged<PartitionQueue>.fromOpaque(opaque).takeUnretainedValue().noteRecords()
      }, Unmanaged.passRetained(self).toOpaque())
    noteRecords()  // what came before anybody was told of it
  }

  /// Ends the callbacks and gives the queue back.
  ///
  /// What it holds refers to the partition, and so keeps it, and its broker, alive for ever: it
  /// goes where it would have gone at first, and the library drops what is no longer wanted.
  fileprivate func close(leavingRestTo group: OpaquePointer?) {
    unsafe rd_kafka_queue_cb_event_enable(pointer, nil, nil)
    unsafe rd_kafka_queue_forward(pointer, group)
    unsafe rd_kafka_queue_destroy(pointer)
    unsafe Unmanaged.passUnretained(self).release()
  }

  fileprivate func take() -> UnsafeMutablePointer<rd_kafka_message_t>? {
    unsafe rd_kafka_consume_queue(pointer, 0)
  }

  /// The empty queue was filled. librdkafka's threads call this, its queue locked.
  private func noteRecords() { line.update { $0.append(self) } }
}
