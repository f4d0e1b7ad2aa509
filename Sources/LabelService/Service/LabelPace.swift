internal import Kafka
package import Settings

/// How often the labelling service does what comes round again and again.
enum LabelPace {
  /// The pause before a failed publication is tried again.
  static let retryMilliseconds = 1_000
  static let pollRecordsMax = 500
  static let pollMilliseconds = 50
  static let closeMilliseconds = 5_000
  /// How often expired labels are purged.
  static let purgeMilliseconds = 600_000
  /// How often the estimates' state is kept in the store.
  static let keepMilliseconds = 10_000
  /// How often what was asked of the teacher is kept there: a crash forgets that much.
  static let keepSpendingMilliseconds = 1_000
}

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
