package import Records
package import Settings

/// How the labelling service runs.
package struct LabelOptions: Sendable {
  package var limits: LabelLimits
  package var plan: SamplingPlan
  package var topic: String
  package var format: PayloadFormat
  package var verdictsTopic: String
  package var disagreementsTopic: String?
  package var inputFormat: PayloadFormat
  package var conversations: ConversationRules
  package var verdictFormat: PayloadFormat
  package var timeToLiveMilliseconds: Int64?
  package var estimateWindowMilliseconds: Int64
  /// How long giving partitions back, and stopping, may wait for what is on its way.
  package var drainTimeoutMilliseconds: Int
  /// The pause before a failed publication is tried again.
  package var retryMilliseconds = 1_000
  package var pollRecordsMax = 500
  package var pollMilliseconds = 50
  package var closeMilliseconds = 5_000
  /// How often expired labels are purged.
  package var purgeMilliseconds = 600_000
  /// How often the estimates' state is kept in the store.
  package var keepMilliseconds = 10_000
  /// How often what was asked of the teacher is kept there: a crash forgets that much.
  package var keepSpendingMilliseconds = 1_000

  /// The options that the settings ask for.
  package init(_ settings: Settings, _ label: LabelSettings) {
    limits = LabelLimits()
    limits.joinRecordsMax = label.joinRecordsMax
    limits.joinBytesMax = label.joinBytesMax
    limits.joinTimeoutMilliseconds = label.joinTimeoutSeconds * 1_000
    limits.queueMax = label.queueMax
    limits.concurrentMax = label.teacher.server.concurrentRequestsMax
    limits.labelsPerTenantPerHour = label.sampling.labelsPerTenantPerHour
    limits.whenUnavailable = label.whenUnavailable
    limits.waitMaxMilliseconds = label.waitMaxSeconds * 1_000
    plan = SamplingPlan(
      randomRate: label.sampling.randomRate, uncertaintyRate: label.sampling.uncertaintyRate,
      uncertaintyMargin: Float(label.sampling.uncertaintyMargin),
      disagreementRate: label.sampling.disagreementRate, seed: UInt64(label.sampling.seed))
    topic = label.topic
    format = label.format
    verdictsTopic = settings.outputTopics.verdicts
    disagreementsTopic = settings.disagreementsTopic
    inputFormat = settings.wire.inputFormat
    conversations = settings.wire.conversations
    verdictFormat = settings.wire.outputFormat ?? settings.wire.inputFormat
    timeToLiveMilliseconds = label.timeToLiveDays.map { Int64($0) * 86_400_000 }
    estimateWindowMilliseconds = Int64(label.estimateWindowHours) * 3_600_000
    drainTimeoutMilliseconds = settings.drainTimeoutMilliseconds
  }
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
    settings.limits.bufferBytesMax = label.joinBytesMax
    return settings
  }
}
