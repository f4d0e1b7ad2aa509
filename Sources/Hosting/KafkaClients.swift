internal import FoundationEssentials
package import Kafka
package import Settings

/// Makes the Kafka clients that the settings describe.
package struct KafkaClients: Sendable {
  private let settings: Settings
  private let events: KafkaEvents
  private let secrets: [(name: String, value: String)]
  private let environment: [String: String]

  /// Reads the secrets; no client is made yet.
  ///
  /// - Throws: `StartFailure.configuration` when a secret's file cannot be read.
  package init(
    settings: Settings, environment: [String: String], events: KafkaEvents = KafkaEvents()
  ) throws(StartFailure) {
    self.settings = settings
    self.environment = environment
    self.events = events
    var secrets: [(name: String, value: String)] = []
    for secret in settings.kafka.secrets {
      let path = try Self.expand(secret.path, environment)
      guard let text = try? String(contentsOf: URL(filePath: path), encoding: .utf8) else {
        throw .configuration("kafka.secrets.\(secret.name): the file cannot be read")
      }
      secrets.append((secret.name, String(text.trimmingSuffix { $0.isNewline })))
    }
    self.secrets = secrets
  }

  /// A consumer of the group, which is to read these topics.
  ///
  /// For it the topics that its service writes do not exist: whatever a pattern matches, what was
  /// published is not read again.
  package func makeConsumer(
    of topics: [String], neverReading written: [String]
  ) throws(KafkaError) -> KafkaConsumer {
    var configuration = consuming
    configuration.hide(topics: written)
    let partitions = try KafkaAdmin(common, events: events)
      .partitions(of: topics, timeout: Self.askingLimit)
    let share = Self.fetchedAhead(
      bufferBytesMax: settings.limits.bufferBytesMax, partitionCount: partitions.count)
    configuration.setDefault("queued.max.messages.kbytes", String(share >> 10))
    configuration.setDefault("fetch.message.max.bytes", String(min(share, 1 << 20)))
    return try KafkaConsumer(configuration, events: events)
  }

  /// Properties of the group's consumers.
  private var consuming: KafkaConfiguration {
    var configuration = common
    configuration["group.id"] = settings.kafka.groupID
    configuration["group.instance.id"] = settings.kafka.groupInstanceID
    configuration["auto.offset.reset"] = "earliest"
    for property in settings.kafka.consumerProperties {
      configuration[property.name] = property.value
    }
    return configuration
  }

  /// Bytes that one partition may have fetched ahead: all of them together, in memory, as much as
  /// the stream's own buffer, on top of it.
  static func fetchedAhead(bufferBytesMax: Int, partitionCount: Int) -> Int {
    max(64 << 10, bufferBytesMax / max(1, partitionCount))
  }

  /// How long a question to the brokers may take.
  private static var askingLimit: Duration { .seconds(15) }

  /// A consumer of other topics from their beginning, in a group of its own: to look at what was
  /// published.
  package func makeReader(
    of topics: [String], group: String? = nil
  ) throws(KafkaError) -> KafkaConsumer {
    var configuration = common
    configuration["group.id"] = group ?? settings.kafka.groupID + "-reader"
    configuration["auto.offset.reset"] = "earliest"
    let consumer = try KafkaConsumer(configuration, events: events)
    try consumer.subscribe(to: topics)
    return consumer
  }

  /// A reader of topics up to the end that they have now, without a group.
  package func makeTopicReader(
    of topics: [String], from start: TopicReader.Start
  ) throws(KafkaError) -> TopicReader {
    try TopicReader(common, topics: topics, from: start, timeout: Self.askingLimit, events: events)
  }

  /// A producer without transactions; what is not written within the time is given up.
  package func makeProducer(messageTimeout: Duration) throws(KafkaError) -> KafkaProducer {
    var configuration = common
    configuration["enable.idempotence"] = "true"
    for property in settings.kafka.producerProperties {
      configuration[property.name] = property.value
    }
    configuration["message.timeout.ms"] = String(messageTimeout.components.seconds * 1000)
    return try KafkaProducer(configuration, events: events)
  }

  /// Takes the name that this daemon's transactions have, for as long as the object lives.
  package func takeIdentity() -> TransactionalIdentity {
    TransactionalIdentity(settings: settings, environment: environment)
  }

  /// A publisher with a producer of its own, for the promise that the settings make.
  ///
  /// - Parameter identity: whoever makes transactions, as delivery exactly once needs it.
  package func makePublisher(
    for consumer: KafkaConsumer, as identity: TransactionalIdentity? = nil
  ) throws(KafkaError) -> any RecordPublisher {
    guard settings.delivery == .exactlyOnce else {
      return AtLeastOncePublisher(
        producer: try KafkaProducer(publishing, events: events), consumer: consumer,
        timeout: transactionTimeout)
    }
    guard let identity else { preconditionFailure("transactions need a name") }
    var configuration = publishing
    configuration.setDefault("transactional.id", identity.name)
    return try makeTransactionalPublisher(configuration, for: consumer)
  }

  /// A publisher of replayed records; a second one fences the first.
  package func makeReplayPublisher() throws(KafkaError) -> TransactionalPublisher<KafkaProducer> {
    var configuration = publishing
    // Never the daemon's own, which would fence it.
    configuration["transactional.id"] = settings.kafka.groupID + "-replay"
    return try makeTransactionalPublisher(configuration, for: nil)
  }

  private func makeTransactionalPublisher(
    _ base: KafkaConfiguration, for consumer: KafkaConsumer?
  ) throws(KafkaError) -> TransactionalPublisher<KafkaProducer> {
    var configuration = base
    configuration.setDefault(
      "transaction.timeout.ms", String(settings.transactionTimeoutMilliseconds))
    return try TransactionalPublisher(
      configuration, consumer: consumer, timeout: transactionTimeout, events: events)
  }

  private var transactionTimeout: Duration {
    .milliseconds(settings.transactionTimeoutMilliseconds)
  }

  /// Properties of producers that publish whole batches.
  private var publishing: KafkaConfiguration {
    var configuration = common
    configuration["enable.idempotence"] = "true"
    // Batches are complete when a transaction begins to send: waiting for more gains nothing.
    configuration["linger.ms"] = "1"
    configuration["queue.buffering.max.messages"] = "1000000"
    for property in settings.kafka.producerProperties {
      configuration[property.name] = property.value
    }
    return configuration
  }

  /// How many partitions each of these topics has; patterns, which begin with `^`, are left out.
  ///
  /// - Throws: `StartFailure.unavailable` when brokers cannot be reached or a topic is missing.
  package func partitionCounts(of names: [String]) throws(StartFailure) -> [String: Int] {
    let topics = names.filter { !TopicPattern.isPattern($0) }
    var counts: [String: Int] = [:]
    do throws(KafkaError) {
      let admin = try KafkaAdmin(common, events: events)
      for topic in topics {
        counts[topic] = try admin.partitionCount(of: topic, timeout: Self.askingLimit)
      }
    } catch {
      let brokers = settings.kafka.bootstrapServers
      throw .unavailable("no answer from the brokers at \(brokers): \(error)")
    }
    let missing = topics.filter { counts[$0] == nil }
    guard missing.isEmpty else {
      throw .unavailable("missing topics: \(missing.joined(separator: ", "))")
    }
    return counts
  }

  private var common: KafkaConfiguration {
    var configuration = KafkaConfiguration(bootstrapServers: settings.kafka.bootstrapServers)
    configuration["client.id"] = settings.kafka.clientID
    for property in settings.kafka.properties { configuration[property.name] = property.value }
    for secret in secrets { configuration[secret.name] = secret.value }
    return configuration
  }

  private static func expand(
    _ path: String, _ environment: [String: String]
  ) throws(StartFailure) -> String {
    let variable = "$CREDENTIALS_DIRECTORY"
    guard path.hasPrefix(variable) else { return path }
    guard let folder = environment["CREDENTIALS_DIRECTORY"] else {
      throw .configuration("kafka.secrets: \(variable) is not set; it comes with LoadCredential=")
    }
    return folder + path.dropFirst(variable.count)
  }
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
    var rest = self[...]
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return rest
  }
}
