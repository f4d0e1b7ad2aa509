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

  package init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

/// One property of librdkafka whose value stands in a file.
package struct KafkaSecret: Hashable, Sendable {
  package let name: String
  /// The file; a leading `$CREDENTIALS_DIRECTORY` is the one that systemd provides.
  package let path: String
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
    properties = section.pairs("properties").map { KafkaProperty(name: $0.name, value: $0.value) }
    consumerProperties = section.pairs("consumer_properties").map {
      KafkaProperty(name: $0.name, value: $0.value)
    }
    producerProperties = section.pairs("producer_properties").map {
      KafkaProperty(name: $0.name, value: $0.value)
    }
    secrets = section.pairs("secrets").map { KafkaSecret(name: $0.name, path: $0.value) }
    section.finish()
  }
}
