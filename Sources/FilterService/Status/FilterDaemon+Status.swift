internal import Basics
internal import Guard
internal import Pipeline
internal import Records
internal import Telemetry

extension FilterDaemon {
  /// Whether it makes progress and has its share of the partitions.
  ///
  /// - Parameter stallSeconds: how long records may wait without a commit.
  package func health(stallSeconds: Int) -> DaemonHealth {
    let (progress, now) = (progress, Instant.now)
    let isStalled = progress.isStalled(now: now, afterSeconds: stallSeconds)
    var reasons: [String] = []
    if isStalled {
      reasons.append("records wait, and nothing was committed for \(stallSeconds) seconds")
    }
    if progress.hasFailed { reasons.append("the stream has failed") }
    if !progress.wasAssigned {
      reasons.append("the group has not given this daemon its share of the partitions yet")
    }
    let orphans = ownership.orphans.count
    if orphans > 0 { reasons.append("\(orphans) partitions belong to no member of the group") }
    return DaemonHealth(
      live: !isStalled,
      ready: progress.isReady(now: now, stallSeconds: stallSeconds) && orphans == 0,
      reasons: reasons)
  }

  /// What the live page shows.
  ///
  /// - Parameter folder: where the model is that judges; nil for nowhere.
  package func status(health: DaemonHealth, modelFolder folder: String?) -> DaemonStatus {
    let snapshot = snapshot
    let bounds = MetricsPage.secondsBounds
    let lineage = ModelLineage(folder: folder)
    let policies = Self.policies(snapshot.verdicts.counts)
    let current = model.current
    return DaemonStatus(
      version: ProgramVersion.current, group: groupID,
      startedAt: Timestamp.text(milliseconds: startedAtMilliseconds), health: health,
      counters: DaemonStatus.Counters(
        received: snapshot.counters.received,
        verdicts: policies.reduce(0) { $0 + $1.verdicts },
        flagged: policies.reduce(0) { $0 + $1.flagged },
        deadLetters: snapshot.counters.deadLetters.values.reduce(0, +),
        tokens: snapshot.counters.tokens),
      latency: DaemonStatus.Latency(
        bounds: bounds, commit: snapshot.latency.counts(upTo: bounds),
        verdict: snapshot.verdictLatency.counts(upTo: bounds),
        model: snapshot.judging.counts(upTo: bounds)),
      scores: snapshot.verdicts.scores.values.reduce(into: Array(repeating: 0, count: 20)) {
        for (step, count) in $1.buckets.counts.prefix(20).enumerated() { $0[step] += count }
      },
      policies: policies, partitions: partitions(snapshot),
      model: DaemonStatus.ModelState(
        name: current.model, device: (current as? GuardModel)?.device ?? "",
        swaps: model.figures.swaps, refusals: model.figures.refusals, lineage: lineage.versions),
      gate: lineage.changes,
      deadLetters: DaemonStatus.DeadLetters(
        byReason: snapshot.counters.deadLetters.reduce(into: [:]) {
          $0[$1.key.rawValue] = $1.value
        }, recent: snapshot.recentLetters.letters))
  }

  private static func policies(_ counts: [VerdictTally.Key: Int]) -> [DaemonStatus.PolicyState] {
    Dictionary(grouping: counts) { $0.key.policy }.sorted { $0.key < $1.key }.map { name, series in
      DaemonStatus.PolicyState(
        name: name, verdicts: series.reduce(0) { $0 + $1.value },
        flagged: series.reduce(0) { $0 + ($1.key.action == .allow ? 0 : $1.value) })
    }
  }

  private func partitions(_ snapshot: StreamSnapshot) -> [DaemonStatus.PartitionState] {
    let owners = ownership.owners
    let own = Set(snapshot.assigned)
    let lags = lags(snapshot)
    let now = runtime.host.clock.wallMilliseconds()
    return own.union(owners.keys).sorted().map { partition in
      let written = snapshot.oldest[partition].flatMap { $0 >= 0 ? $0 : nil }
      return DaemonStatus.PartitionState(
        topic: partition.topic, partition: partition.partition.rawValue,
        owner: owners[partition] ?? nil, mine: own.contains(partition), lag: lags[partition],
        oldestAgeSeconds: written.map { Double(max(0, now - $0)) / 1000 })
    }
  }
}
