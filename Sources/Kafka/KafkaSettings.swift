package import Sections

/// How to reach the brokers, and as whom.
package struct KafkaSettings: Hashable, Sendable {
  package var bootstrapServers: String
  package var clientID: String
  package var groupID: String
  /// The name of this member for static membership; nil for a dynamic one.
  package var groupInstanceID: String?
  /// The name under which transactions are made; nil derives it from group and member.
  package var transactionalID: String?
  /// librdkafka's properties for both clients, in the order of the file.
  package var properties: [KafkaProperty]
  package var consumerProperties: [KafkaProperty]
  package var producerProperties: [KafkaProperty]
  /// Properties whose values stand in files.
  package var secrets: [KafkaSecret]
}

/// One property of librdkafka.
package struct KafkaProperty: Hashable, Sendable {
  package let name: String
  package let value: String
  /// Where the file has it; nil for one that no file has.
  package let place: SettingsPlace?
  /// Whether the environment has a part in the value, so that no message may show it.
  package let isSecret: Bool

  package init(
    name: String, value: String, place: SettingsPlace? = nil, isSecret: Bool = false
  ) {
    self.name = name
    self.value = value
    self.place = place
    self.isSecret = isSecret
  }
}

/// One property of librdkafka whose value stands in a file.
package struct KafkaSecret: Hashable, Sendable {
  package let name: String
  /// The file; a leading `$CREDENTIALS_DIRECTORY` is the one that systemd provides.
  package let path: String
  package let place: SettingsPlace
}

extension KafkaSettings {
  package init(_ section: SectionReader) {
    bootstrapServers = section.requiredTexts(
      "bootstrap_servers", problem: BrokerAddresses.problem(with:)
    ).joined(separator: ",")
    clientID = section.text("client_id", default: "sluice")
    groupID = section.text("group_id", default: "sluice")
    groupInstanceID = section.optionalText("group_instance_id")
    transactionalID = section.optionalText("transactional_id")
    properties = Self.properties(section, "properties", of: .both)
    consumerProperties = Self.properties(section, "consumer_properties", of: .consumer)
    producerProperties = Self.properties(section, "producer_properties", of: .producer)
    secrets = section.pairs("secrets") { KnownProperties.problem(withName: $0.name) }
      .map { KafkaSecret(name: $0.name, path: $0.value, place: $0.place) }
    section.finish()
  }

  /// What is no mistake and yet hardly meant.
  package var warnings: [SettingsProblem] {
    let all = properties + consumerProperties
    let strategy = all.last { $0.name == "partition.assignment.strategy" }
    let isStatic = groupInstanceID != nil || all.contains { $0.name == "group.instance.id" }
    guard isStatic, let strategy, strategy.value.contains("cooperative-sticky"),
      let place = strategy.place
    else { return [] }
    // Kafka gives a static member that is killed and started again during a rebalance its reduced
    // share without the second rebalance that would give the rest to others.
    return [
      SettingsProblem(
        "warning: with group_instance_id, a restart during a rebalance can leave partitions "
          + "without an owner for minutes", at: place)
    ]
  }

  /// A table of properties, each tried on its own.
  private static func properties(
    _ section: SectionReader, _ key: String, of client: KnownProperties.Client
  ) -> [KafkaProperty] {
    section.pairs(key) { KnownProperties.problem(with: $0, of: client) }.map { pair in
      KafkaProperty(
        name: pair.name, value: KnownProperties.accepted(pair) ?? pair.value, place: pair.place,
        isSecret: pair.isSecret)
    }
  }
}
