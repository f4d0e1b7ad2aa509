internal import Basics
internal import Kafka
internal import Pipeline
package import Records
package import Telemetry

extension StreamSnapshot {
  /// The Prometheus page of a stream.
  ///
  /// - Parameters:
  ///   - lags: records behind the end of each partition.
  ///   - now: in milliseconds since 1970-01-01 UTC.
  package func metricsPage(lags: [TopicPartition: Int64], nowMilliseconds now: Int64) -> MetricsPage
  {
    var page = MetricsPage(version: ProgramVersion.current)
    addRecords(to: &page)
    addBatches(to: &page)
    page.gauge("sluice_buffered_records", "Records read, not committed.", Double(bufferedRecords))
    page.gauge("sluice_buffered_bytes", "Their size.", Double(bufferedBytes))
    page.gauge("sluice_assigned_partitions", "Partitions held.", Double(assigned.count))
    page.counter("sluice_pauses_total", "Pauses for a full buffer.", counters.pauses)
    page.gauge(
      "sluice_lag_records", "Records behind the end of the partition.",
      lags.sorted { $0.key < $1.key }.map { partition, records in
        (
          [("topic", partition.topic), ("partition", String(partition.partition.rawValue))],
          Double(records)
        )
      })
    page.gauge(
      "sluice_oldest_record_age_seconds",
      "Age of the oldest record that was read and not committed yet.",
      assigned.map { partition in
        // Where none waits, or its sender gave no time, there is nothing that is old.
        let written = oldest[partition].flatMap { $0 >= 0 ? $0 : nil } ?? now
        return (
          [("topic", partition.topic), ("partition", String(partition.partition.rawValue))],
          Double(max(0, now - written)) / 1_000
        )
      })
    page.histogram("sluice_latency_seconds", "From being read to being committed.", latency)
    page.histogram(
      "sluice_verdict_latency_seconds", "From being read to having a verdict.", verdictLatency)
    page.histogram("sluice_judging_seconds", "What the model took for a batch.", judging)
    page.histogram(
      "sluice_score", "P(unsafe) of committed verdicts, by policy.",
      verdicts.scores.sorted { $0.key < $1.key }.map { ([("policy", $0.key)], $0.value.buckets) },
      bounds: ScoreHistogram.bounds)
    return page
  }

  private func addRecords(to page: inout MetricsPage) {
    page.counter("sluice_records_received_total", "Records read.", counters.received)
    page.counter(
      "sluice_records_ignored_total", "Records read again or not ours.", counters.ignored)
    page.counter(
      "sluice_records_dropped_total", "Records left to another owner.", counters.dropped)
    page.counter(
      "sluice_verdicts_total", "Verdicts committed, by policy, action and tenant.",
      verdicts.counts.sorted { $0.key < $1.key }.map { key, count in
        (
          [("policy", key.policy), ("action", key.action.rawValue), ("tenant", key.tenant)],
          Double(count)
        )
      })
    page.counter(
      "sluice_trial_verdicts_total",
      "Verdicts by what the policy did and what one would have done that is tried beside it.",
      verdicts.trials.sorted { $0.key < $1.key }.map { key, count in
        (
          [
            ("policy", key.policy), ("trial", key.trial), ("action", key.action.rawValue),
            ("would", key.would.rawValue),
          ],
          Double(count)
        )
      })
    page.counter("sluice_texts_total", "Texts of judged exchanges.", counters.texts.texts)
    page.counter("sluice_texts_judged_total", "Those that were judged.", counters.texts.judged)
    page.counter(
      "sluice_texts_left_out_total", "Those that were not, by why.",
      counters.texts.leftOut.sorted { $0.key < $1.key }.map {
        ([("reason", $0.key)], Double($0.value))
      })
    page.counter("sluice_records_skipped_total", "Tombstones passed or skipped.", counters.skipped)
    page.counter(
      "sluice_dead_letters_total", "Dead letters committed.",
      DeadLetterReason.allCases.map {
        ([("reason", $0.rawValue)], Double(counters.deadLetters[$0] ?? 0))
      })
    page.counter("sluice_transactions_total", "Transactions committed.", counters.transactions)
    page.counter(
      "sluice_transactions_aborted_total", "Transactions that were not committed, by cause.",
      counters.aborts.sorted { $0.key < $1.key }.map { ([("cause", $0.key)], Double($0.value)) })
  }

  private func addBatches(to page: inout MetricsPage) {
    page.counter("sluice_tokens_total", "Token ids judged.", counters.tokens)
    page.counter(
      "sluice_batches_total", "Batches judged, by the reason for their release.",
      ReleaseReason.allCases.map {
        ([("reason", $0.rawValue)], Double(counters.releases[$0] ?? 0))
      })
    page.histogram(
      "sluice_batch_records", "Exchanges of a batch.", [([], batchSizes.records)],
      bounds: BatchSizes.recordBounds)
    page.histogram(
      "sluice_batch_tokens", "Token ids of a batch.", [([], batchSizes.tokens)],
      bounds: BatchSizes.tokenBounds)
    page.counter(
      "sluice_judging_failures_total", "Batches on which the model failed.",
      counters.judgingFailures)
  }
}
