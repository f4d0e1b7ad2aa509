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
  package let committed: [TopicPartition: Offset]
  /// When the oldest record on its way was written, in milliseconds since 1970.
  package let oldest: [TopicPartition: Int64]
  /// From being read to being committed.
  package let latency: LatencyHistogram
  /// From being read to having a verdict, which is then published.
  package let verdictLatency: LatencyHistogram
  /// What the model took for each batch.
  package let judging: LatencyHistogram
  package let scores: ScoreHistogram
  /// When the first record was read.
  package let firstRead: Instant?
  /// When offsets were last committed.
  package let lastProgress: Instant
  package let failure: StreamFailure?
  package let progress: HostProgress
}

/// Scores counted in twenty equal buckets.
package struct ScoreHistogram: Hashable, Sendable {
  package static let bounds = (1...19).map { Double($0) / 20 } + [1]
  /// One count for each bound, and one for what lies above the last.
  package private(set) var counts = Array(repeating: 0, count: bounds.count + 1)
  package private(set) var sum = 0.0

  package init() {}

  package mutating func record(_ score: Score) {
    let value = Double(score.rawValue)
    sum += value
    let bucket = Int((value * 20).rounded(.up)) - 1
    counts[min(max(bucket, 0), Self.bounds.count)] += 1
  }
}
