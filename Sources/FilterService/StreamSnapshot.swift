package import Basics
package import Hosting
package import Pipeline
package import Records
package import Telemetry

/// Where a stream stood at one moment.
package struct StreamSnapshot: Sendable {
  package let counters: StreamCounters
  package let bufferedRecords: Int
  package let bufferedBytes: Int
  package let assigned: [TopicPartition]
  /// The numbers of these assignments: a partition that comes back has another one.
  package let assignments: [TopicPartition: Int]
  /// The next record of each partition of which something was committed under its assignment.
  package let committed: [TopicPartition: Offset]
  /// When the oldest record on its way was written, in milliseconds since 1970.
  package let oldest: [TopicPartition: Int64]
  /// From being read to being committed.
  package let latency: LatencyHistogram
  /// From being read to having a verdict, which is then published.
  package let verdictLatency: LatencyHistogram
  /// What the model took for each batch.
  package let judging: LatencyHistogram
  package let batchSizes: BatchSizes
  package let verdicts: VerdictTally
  package let recentLetters: RecentLetters
  /// When the first record was read.
  package let firstRead: Instant?
  /// When offsets were last committed.
  package let lastProgress: Instant
  package let failure: StreamFailure?
  package let progress: HostProgress

  /// The present assignment of a partition; nil for one that is not assigned.
  func assignment(of partition: TopicPartition) -> GroupOffsets.Assignment? {
    assignments[partition].map { GroupOffsets.Assignment(partition: partition, number: $0) }
  }
}

/// How many exchanges and tokens batches had.
package struct BatchSizes: Hashable, Sendable {
  package static let recordBounds = (0...10).map { Double(1 << $0) }
  package static let tokenBounds = (5...16).map { Double(1 << $0) }
  package private(set) var records = BucketCounts(bounds: recordBounds)
  package private(set) var tokens = BucketCounts(bounds: tokenBounds)

  package init() {}

  mutating func record(_ batch: Batch) {
    records.count(Double(batch.items.count), bounds: Self.recordBounds)
    tokens.count(Double(batch.items.reduce(0) { $0 + $1.tokens }), bounds: Self.tokenBounds)
  }
}

/// Scores counted in twenty equal buckets.
package struct ScoreHistogram: Hashable, Sendable {
  package static let bounds = (1...19).map { Double($0) / 20 } + [1]
  package private(set) var buckets = BucketCounts(bounds: bounds)

  package init() {}

  /// The sum of all scores.
  package var sum: Double { buckets.sum }

  package mutating func record(_ score: Score) {
    buckets.count(Double(score.rawValue), bounds: Self.bounds)
  }
}
