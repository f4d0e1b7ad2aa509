internal import Guard
package import Hosting
package import Kafka
package import Logging
package import Pipeline
internal import Records
package import Settings
package import Telemetry
internal import Threading
package import Traces

/// The filter, composed from settings: a Kafka source and sink, a model, and the stream between.
package final class FilterDaemon: Sendable {
  private let consumer: KafkaConsumer
  private let sink: KafkaSink
  let runtime: StreamRuntime<KafkaConsumer, KafkaSink>
  let model: LiveModel
  private let policies: LivePolicies
  let groupID: String
  let startedAtMilliseconds: Int64
  private let shadow: ShadowScorer?
  private let identity: TransactionalIdentity
  /// Sees to it that each partition has an owner.
  package let ownership: OwnershipWatch
  private let groupOffsets: GroupOffsets
  private let logger: Logger

  /// Connects to the brokers and joins the group; nothing is read before `run`.
  ///
  /// - Parameters:
  ///   - model: judges, and cuts texts into its sequences; may be replaced while the stream runs.
  ///   - policies: those of the settings where nobody else holds them; may be replaced while the
  ///     stream runs.
  ///   - shadow: looks at what was committed.
  ///   - tracer: makes spans of the work.
  ///   - batchesInFlightMax: batches that the model has at once.
  package init(
    settings: Settings, guard model: LiveModel, policies: LivePolicies? = nil,
    shadow: ShadowScorer? = nil, tracer: SpanTracer? = nil, clients: KafkaClients, logger: Logger,
    batchesInFlightMax: Int = 1
  ) throws(StartFailure) {
    let policies = policies ?? LivePolicies(settings.policies)
    identity = clients.takeIdentity()
    let partitionCounts = try clients.partitionCounts(of: settings.allTopics)
    do throws(KafkaError) {
      consumer = try clients.makeConsumer(
        of: settings.inputTopics, neverReading: settings.writtenTopics)
      // First fence a predecessor, then read: its offsets are then final.
      sink = KafkaSink(
        consumer: consumer, publisher: try clients.makePublisher(for: consumer, as: identity))
      try consumer.subscribe(to: settings.inputTopics)
    } catch {
      throw .unavailable(error.description)
    }
    ownership = OwnershipWatch(
      of: settings.inputTopics, in: settings.kafka.groupID, clients: clients, logger: logger,
      memberIdentifier: { [consumer] in consumer.memberIdentifier })
    groupID = settings.kafka.groupID
    let work = StreamWork(
      settings, model: model, policies: policies, shadow: shadow,
      tracing: tracer.map { StreamTracing($0, groupID: settings.kafka.groupID) },
      partitionCounts: partitionCounts, logger: logger)
    var options = StreamOptions(settings)
    options.limits.batch.batchesInFlightMax = batchesInFlightMax
    // Several are for a GPU, which is done with anything long soon.
    if batchesInFlightMax > 1 { options.limits.batch.longTokens = nil }
    runtime = StreamRuntime(source: consumer, sink: sink, work: work, options: options)
    groupOffsets = GroupOffsets(
      unknown: { [runtime] in
        let snapshot = runtime.snapshot
        return snapshot.assigned.filter { snapshot.committed[$0] == nil }.compactMap(
          snapshot.assignment(of:))
      },
      ask: { [consumer] partitions in
        try consumer.committed(partitions, timeout: .seconds(2))
      })
    startedAtMilliseconds = runtime.host.clock.wallMilliseconds()
    self.model = model
    self.policies = policies
    self.shadow = shadow
    self.logger = logger
    if settings.delivery == .exactlyOnce {
      logger.info("publishing in transactions", metadata: ["as": "\(identity.name)"])
    }
  }

  /// Runs until `stop` or a failure; nil after `stop`. Blocks.
  package func run() -> StreamFailure? {
    let asking = BlockingThread(name: "offsets") { [groupOffsets] in groupOffsets.run() }
    defer {
      groupOffsets.stop()
      asking.join()
    }
    let failure = runtime.run()
    if let failure {
      logger.error("stream failed", metadata: ["reason": "\(failure)"])
    }
    return failure
  }

  /// Asks the stream to drain and end.
  package func stop() { runtime.stop() }

  /// How the host of the stream fares.
  package var progress: HostProgress { runtime.host.progress }

  /// Where the stream stands.
  package var snapshot: StreamSnapshot { runtime.snapshot }

  /// How often a transaction left doubt, so that a fresh producer took over.
  package var doubts: TransactionDoubts { sink.doubts }

  /// Decides by other policies whatever is judged from now on.
  package func replacePolicies(with policies: PolicyBook) {
    self.policies.replace(with: policies)
    runtime.host.update { core, _ in core.machine.replacePolicies(with: policies) }
  }

  /// How many records each partition's committed offset is behind its end, as far as is known.
  func lags(_ snapshot: StreamSnapshot) -> [TopicPartition: Int64] {
    snapshot.assigned.reduce(into: [:]) { lags, partition in
      guard let ends = consumer.watermarks(of: partition),
        let assignment = snapshot.assignment(of: partition),
        let next = snapshot.committed[partition] ?? groupOffsets.next(assignment, low: ends.low)
      else { return }
      lags[partition] = max(0, ends.high.rawValue - next.rawValue)
    }
  }

  /// The metrics page.
  package func metrics() -> MetricsPage {
    let snapshot = runtime.snapshot
    let now = runtime.host.clock.wallMilliseconds()
    var page = snapshot.metricsPage(lags: lags(snapshot), nowMilliseconds: now)
    page.addDoubts(doubts)
    ownership.add(to: &page)
    let current = model.current
    page.addModel(current.model, model.figures)
    if let cache = (current as? GuardModel)?.cache { page.addCache(cache.figures) }
    page.addCategories(snapshot.counters.flaggedCategories, of: current.categories)
    if let shadow { page.addShadow(shadow.figures) }
    return page
  }
}

extension StreamOptions {
  /// The options that the settings ask for.
  package init(_ settings: Settings) {
    self.init(
      limits: settings.limits, policies: settings.policies,
      tenantsMax: settings.telemetry.tenantsMax,
      preparationThreads: settings.preparationThreads > 0
        ? settings.preparationThreads : max(1, Processors.count / 4),
      pollRecordsMax: max(1, min(128, settings.limits.bufferRecordsMax / 4)),
      drainTimeoutMilliseconds: settings.drainTimeoutMilliseconds)
  }
}
