package import Kafka
package import Sections
package import Settings

/// Makes the Kafka clients that the settings describe.
package struct KafkaClients: Sendable {
  let settings: Settings
  let events: KafkaEvents
  private let secrets: [(name: String, value: String)]
  private let environment: [String: String]

  /// Reads the secrets and tries the properties; nothing is asked over the network yet.
  ///
  /// - Throws: `StartFailure.configuration` when a secret's file cannot be read, or there is no
  ///   client with these properties.
  package init(
    settings: Settings, environment: [String: String], events: KafkaEvents = KafkaEvents()
  ) throws(StartFailure) {
    let secrets = KafkaSecrets(settings.kafka.secrets, environment: environment)
    self.init(settings, environment, events, secrets.values)
    let problems = secrets.allProblems.isEmpty ? mistakes() : secrets.allProblems
    guard problems.isEmpty else {
      throw .configuration(SettingsError(problems: problems).description)
    }
  }

  private init(
    _ settings: Settings, _ environment: [String: String], _ events: KafkaEvents,
    _ secrets: [(name: String, value: String)]
  ) {
    self.settings = settings
    self.environment = environment
    self.events = events
    self.secrets = secrets
  }

  /// What is wrong with the properties and secrets of these settings, as far as files of this host
  /// can tell. Secrets that only a unit has are taken for right.
  package static func mistakes(
    in settings: Settings, environment: [String: String]
  ) -> [SettingsProblem] {
    let secrets = KafkaSecrets(settings.kafka.secrets, environment: environment)
    if !secrets.problems.isEmpty { return secrets.problems }
    var values = secrets.values
    var tried = settings
    for secret in secrets.elsewhere {
      if secret.name.hasPrefix("ssl.") {
        tried.kafka.leaveOutKeys()
      } else {
        values.append((secret.name, "unknown"))
      }
    }
    return KafkaClients(tried, environment, KafkaEvents(), values).mistakes()
  }

  /// What the library has against these properties.
  private func mistakes() -> [SettingsProblem] {
    var trial = ClientTrial(settings.kafka, secrets: secrets.map(\.value))
    trial.consumer(consuming)
    var producing = publishing
    if settings.delivery == .exactlyOnce {
      producing.setDefault("transactional.id", settings.kafka.groupID)
      setTimeout(of: &producing)
    }
    trial.producer(producing)
    return trial.problems
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
    if configuration["max.partition.fetch.bytes"] == nil {
      configuration.setDefault("fetch.message.max.bytes", String(min(share, 1 << 20)))
    }
    return try KafkaConsumer(configuration, events: events)
  }

  /// A member of the group for a moment, whose coming and going makes the group assign anew.
  package func makeVisitor() throws(KafkaError) -> KafkaConsumer {
    var configuration = consuming
    configuration["group.instance.id"] = nil
    return try KafkaConsumer(configuration, events: events)
  }

  /// An administrator's client.
  package func makeAdmin() throws(KafkaError) -> KafkaAdmin {
    try KafkaAdmin(common, events: events)
  }

  /// Properties of the group's consumers.
  var consuming: KafkaConfiguration {
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
  static var askingLimit: Duration { .seconds(15) }

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
    setTimeout(of: &configuration)
    return try TransactionalPublisher(
      configuration, consumer: consumer, timeout: transactionTimeout, events: events)
  }

  private func setTimeout(of configuration: inout KafkaConfiguration) {
    configuration.setDefault(
      "transaction.timeout.ms", String(settings.transactionTimeoutMilliseconds))
  }

  private var transactionTimeout: Duration {
    .milliseconds(settings.transactionTimeoutMilliseconds)
  }

  /// Properties of producers that publish whole batches.
  var publishing: KafkaConfiguration {
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
    let failures = ConnectionFailures()
    do throws(KafkaError) {
      let admin = try KafkaAdmin(common, events: failures.noting(events))
      for topic in topics {
        counts[topic] = try partitionCount(of: topic, admin, failures)
      }
    } catch {
      let brokers = settings.kafka.bootstrapServers
      let reason = failures.last.map { "; \($0)" } ?? ""
      throw .unavailable("no answer from the brokers at \(brokers): \(error)\(reason)")
    }
    let missing = topics.filter { counts[$0] == nil }
    guard missing.isEmpty else {
      throw .unavailable(
        "missing topics: \(missing.joined(separator: ", ")) (or this user may not see them)")
    }
    return counts
  }

  /// Asks again, each time with more patience, until it is clear that none will help.
  private func partitionCount(
    of topic: String, _ admin: KafkaAdmin, _ failures: ConnectionFailures
  ) throws(KafkaError) -> Int? {
    for seconds in [1, 2, 4] {
      do throws(KafkaError) {
        return try admin.partitionCount(of: topic, timeout: .seconds(seconds))
      } catch {
        let isSilence = error.code == .timedOut || error.code == .transport
        if !isSilence || failures.isForGood { throw error }
      }
    }
    return try admin.partitionCount(of: topic, timeout: .seconds(8))
  }

  private var common: KafkaConfiguration {
    var configuration = KafkaConfiguration(bootstrapServers: settings.kafka.bootstrapServers)
    configuration["client.id"] = settings.kafka.clientID
    for property in settings.kafka.properties { configuration[property.name] = property.value }
    for secret in secrets { configuration[secret.name] = secret.value }
    return configuration
  }
}

extension KafkaSettings {
  /// Keys and certificates can only be tried together.
  fileprivate mutating func leaveOutKeys() {
    let prefixes = ["ssl.key.", "ssl.certificate.", "ssl.keystore."]
    let isKept = { (property: KafkaProperty) in
      !prefixes.contains { property.name.hasPrefix($0) }
    }
    properties = properties.filter(isKept)
    consumerProperties = consumerProperties.filter(isKept)
    producerProperties = producerProperties.filter(isKept)
  }
}
