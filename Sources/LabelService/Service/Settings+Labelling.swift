internal import Kafka
package import Settings

extension Settings {
  /// These settings with the labelling service's place in Kafka: its group, and outputs before
  /// offsets. The partitions of both topics are shared out by number, so that an exchange and its
  /// verdict come to the same instance.
  package func forLabelling(_ label: LabelSettings) -> Settings {
    var settings = self
    settings.kafka.groupID = label.groupID
    settings.kafka.groupInstanceID = label.groupInstanceID
    settings.kafka.consumerProperties.append(
      KafkaProperty(name: "partition.assignment.strategy", value: "range"))
    settings.delivery = .atLeastOnce
    settings.limits.bufferBytesMax = label.limits.joinBytesMax
    return settings
  }
}
