internal import CRdKafka
package import Records

/// Asks about topics and creates them.
package final class KafkaAdmin: Sendable {
  let handle: ClientHandle

  /// An administrator's client; it connects in the background.
  package init(
    _ configuration: KafkaConfiguration, events: KafkaEvents = KafkaEvents()
  ) throws(KafkaError) {
    handle = try NativeConfiguration(configuration).makeClient(
      RD_KAFKA_PRODUCER, context: CallbackContext(events: events))
  }

  /// A topic and how many partitions it has.
  package struct Topic: Hashable, Sendable {
    package let name: String
    package let partitionCount: Int
  }

  /// A topic to be created.
  package struct NewTopic: Hashable, Sendable {
    package let name: String
    package let partitionCount: Int
    package let replicationFactor: Int
    /// Kafka's properties of topics, such as `cleanup.policy`.
    package let properties: [String: String]

    package init(
      _ name: String, partitionCount: Int, replicationFactor: Int = 1,
      properties: [String: String] = [:]
    ) {
      self.name = name
      self.partitionCount = partitionCount
      self.replicationFactor = replicationFactor
      self.properties = properties
    }
  }

  /// All topics that this user may see, by name.
  package func topics(timeout: Duration) throws(KafkaError) -> [Topic] {
    var list: UnsafePointer<rd_kafka_metadata>?
    try unsafe handle.check(
      .metadata, rd_kafka_metadata(handle.pointer, 1, nil, &list, timeout.waitMilliseconds))
    guard let list = unsafe list else { return [] }
    defer { unsafe rd_kafka_metadata_destroy(list) }
    let topics = unsafe UnsafeBufferPointer(
      start: list.pointee.topics, count: Int(list.pointee.topic_cnt))
    return unsafe topics.map { topic in
      unsafe Topic(
        name: String(cString: topic.topic), partitionCount: Int(topic.partition_cnt))
    }.sorted { $0.name < $1.name }
  }

  /// How many partitions the topic has; nil if it does not exist.
  ///
  /// All topics are listed, because brokers may create one that is asked for by name.
  package func partitionCount(
    of topic: String, timeout: Duration
  ) throws(KafkaError) -> Int? {
    try topics(timeout: timeout).first { $0.name == topic }?.partitionCount
  }

  /// The partitions of these topics: names, and patterns that begin with `^`, which may match none.
  ///
  /// - Throws: also when a topic does not exist.
  package func partitions(
    of topics: [String], timeout: Duration
  ) throws(KafkaError) -> [TopicPartition] {
    let known = try self.topics(timeout: timeout)
    var chosen: Set<KafkaAdmin.Topic> = []
    for name in topics {
      if TopicPattern.isPattern(name) {
        let pattern = try TopicPattern(name)
        for topic in known where pattern.matches(topic.name) { chosen.insert(topic) }
      } else if let topic = known.first(where: { $0.name == name }) {
        chosen.insert(topic)
      } else {
        throw KafkaError(.metadata, .unknownTopicOrPartition, message: "there is no topic \(name)")
      }
    }
    return known.filter(chosen.contains).flatMap { topic in
      (0..<topic.partitionCount).map {
        TopicPartition(topic: topic.name, partition: Partition(Int32($0)))
      }
    }
  }

  /// Creates the topics, leaving those that exist as they are.
  package func createTopics(_ topics: [NewTopic], timeout: Duration) throws(KafkaError) {
    if topics.isEmpty { return }
    let requests = try NewTopicList(topics)
    try unsafe ask(.createTopics, RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout: timeout) {
      options, queue in
      unsafe rd_kafka_AdminOptions_set_operation_timeout(options, timeout.waitMilliseconds, nil, 0)
      var pointers: [OpaquePointer?] = unsafe requests.pointers
      unsafe rd_kafka_CreateTopics(handle.pointer, &pointers, pointers.count, options, queue)
    } read: { event throws(KafkaError) in
      var count = 0
      let results = unsafe rd_kafka_CreateTopics_result_topics(
        rd_kafka_event_CreateTopics_result(event), &count)
      for index in 0..<count {
        guard let result = unsafe results?[index] else { continue }
        let code = KafkaErrorCode(unsafe rd_kafka_topic_result_error(result))
        if code != .none && code != .topicAlreadyExists { throw handle.error(.createTopics, code) }
      }
    }
  }

  /// Sends a request, with options and a queue for its answer, and reads the answer.
  func ask<Answer>(
    _ operation: KafkaError.Operation, _ kind: rd_kafka_admin_op_t, timeout: Duration,
    send: (_ options: OpaquePointer, _ queue: OpaquePointer) -> Void,
    read: (_ event: OpaquePointer) throws(KafkaError) -> Answer
  ) throws(KafkaError) -> Answer {
    guard let queue = unsafe rd_kafka_queue_new(handle.pointer),
      let options = unsafe rd_kafka_AdminOptions_new(handle.pointer, kind)
    else { throw KafkaError(operation, KafkaErrorCode(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE)) }
    defer {
      unsafe rd_kafka_AdminOptions_destroy(options)
      unsafe rd_kafka_queue_destroy(queue)
    }
    let milliseconds = timeout.waitMilliseconds
    unsafe rd_kafka_AdminOptions_set_request_timeout(options, milliseconds, nil, 0)
    unsafe send(options, queue)
    guard let event = unsafe rd_kafka_queue_poll(queue, milliseconds) else {
      throw KafkaError(operation, .timedOut)
    }
    defer { unsafe rd_kafka_event_destroy(event) }
    try unsafe handle.check(operation, rd_kafka_event_error(event))
    return try unsafe read(event)
  }
}

/// Requests for new topics, as librdkafka wants them.
@safe private struct NewTopicList: ~Copyable {
  private(set) var pointers: [OpaquePointer?] = unsafe []

  init(_ topics: [KafkaAdmin.NewTopic]) throws(KafkaError) {
    for topic in topics {
      var text = [CChar](repeating: 0, count: 256)
      guard
        let request = unsafe rd_kafka_NewTopic_new(
          topic.name, Int32(topic.partitionCount), Int32(topic.replicationFactor), &text,
          text.count)
      else {
        throw KafkaError(
          .createTopics, .invalidArgument, message: String(truncatingAtNull: text))
      }
      unsafe pointers.append(request)
      for (name, value) in topic.properties {
        unsafe rd_kafka_NewTopic_set_config(request, name, value)
      }
    }
  }

  deinit {
    unsafe pointers.forEach { unsafe rd_kafka_NewTopic_destroy($0) }
  }
}
