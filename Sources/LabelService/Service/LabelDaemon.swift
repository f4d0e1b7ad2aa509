internal import Basics
internal import Foundation
package import Hosting
internal import Kafka
package import LabelStore
package import LanguageModel
package import Logging
internal import Pipeline
internal import Records
package import Settings
internal import StrictJSON
internal import Synchronization
internal import Wire

/// The labelling service: a `LabelMachine` on a host. One thread reads, one asks the teacher, one
/// stores, publishes and commits, one follows the labels topic.
package final class LabelDaemon: Sendable {
  /// The name under which the store keeps the estimates' state.
  static let estimatorNote = "estimator"

  let label: LabelSettings
  private let settings: Settings
  let sink: KafkaSink
  let follower: LabelFollower
  let store: LabelStore
  let teacher: any Teacher
  let logger: Logger
  let host: MachineHost<LabelCore, KafkaConsumer>
  let abortLog: AbortLog

  /// Joins the group; nothing is read before `run`.
  ///
  /// - Throws: `StartFailure` when brokers or topics are not there, or the store cannot be read.
  package init(
    settings: Settings, label: LabelSettings, environment: [String: String], store: LabelStore,
    teacher: any Teacher, logger: Logger
  ) throws(StartFailure) {
    self.settings = settings
    self.label = label
    self.store = store
    self.teacher = teacher
    self.logger = logger
    abortLog = AbortLog(logger: logger)
    let own = settings.forLabelling(label)
    let clients = try KafkaClients(
      settings: own, environment: environment, events: ServiceHost.kafkaEvents(logger))
    let topics =
      settings.inputTopics + [settings.outputTopics.verdicts]
      + [settings.disagreementsTopic].compactMap { $0 }
    _ = try clients.partitionCounts(of: topics + [label.topic])
    let consumer: KafkaConsumer
    do throws(KafkaError) {
      consumer = try clients.makeConsumer()
      sink = KafkaSink(consumer: consumer, publisher: try clients.makePublisher(for: consumer))
      try consumer.subscribe(to: topics)
    } catch {
      throw .unavailable(error.description)
    }
    follower = try LabelFollower(
      clients: clients, groupID: label.groupID, topic: label.topic, store: store,
      timeToLiveMilliseconds: label.timeToLiveMilliseconds)
    do throws(LabelStoreError) {
      host = MachineHost(
        try Self.core(settings, label, store, teacher.identity), source: consumer,
        options: .init(
          pollRecordsMax: LabelPace.pollRecordsMax, pollMilliseconds: LabelPace.pollMilliseconds,
          drainMilliseconds: settings.drainTimeoutMilliseconds,
          closeMilliseconds: LabelPace.closeMilliseconds),
        readingFailure: { .brokers($0.description) })
    } catch {
      throw .model(error.description)
    }
  }

  /// The machine with the estimates as an earlier run left them.
  private static func core(
    _ settings: Settings, _ label: LabelSettings, _ store: LabelStore, _ teacher: TeacherIdentity
  ) throws(LabelStoreError) -> LabelCore {
    let start = Instant.now
    var estimator = LiveEstimator(windowMilliseconds: label.estimateWindowMilliseconds)
    if let kept = try store.kept(as: estimatorNote),
      let former = try? JSONCoder.decode(LiveEstimator.self, from: kept),
      former.windowMilliseconds == estimator.windowMilliseconds
    {
      estimator = former
    }
    let machine = LabelMachine(
      limits: label.limits, plan: label.plan, teacher: teacher, estimator: estimator,
      now: start)
    return LabelCore(machine: machine, verdictsTopic: settings.outputTopics.verdicts)
  }

  /// Runs until `stop` or a failure; nil after `stop`. Blocks.
  package func run() -> LabelFailure? {
    let decoder = Mutex(
      LabelDecoder(
        sampler: Sampler(plan: label.plan), verdictsTopic: settings.outputTopics.verdicts,
        disagreementsTopic: settings.disagreementsTopic, inputFormat: settings.wire.inputFormat,
        conversations: settings.wire.conversations,
        verdictFormat: settings.wire.outputFormat ?? settings.wire.inputFormat))
    let failure = host.run(
      take: { records in
        let inputs = decoder.withLock { decoder in records.map { decoder.decode($0) } }
        let wall = WallClock.milliseconds()
        return { $0.machine.receive(inputs, now: $1, wallMilliseconds: wall) }
      },
      workers: [
        ("ask", { self.ask() }), ("publish", { self.publish() }), ("follow", { self.follow() }),
      ],
      hasLeft: {
        for task in host.look({ core, _ in core.tasks.values }) { task.cancel() }
      })
    if host.progress.leftLate { logger.warning("left the group without its answer") }
    if let failure { logger.error("labelling failed", metadata: ["reason": "\(failure)"]) }
    return failure
  }

  /// Asks the service to finish what is on its way and end.
  package func stop() { host.stop() }

  /// How the host of the service fares.
  package var progress: HostProgress { host.progress }

  /// Where the service stands.
  package var snapshot: LabelSnapshot {
    let wall = WallClock.milliseconds()
    let teacher = teacher.statement
    return host.look { core, _ in
      let machine = core.machine
      return LabelSnapshot(
        counters: machine.counters, queued: machine.queue.count,
        inFlight: machine.inFlight.count,
        waitingExchanges: machine.join.waitingExchanges,
        waitingVerdicts: machine.join.waitingVerdicts,
        teacher: teacher,
        assigned: machine.ledger.assigned.count,
        teacherLatency: core.teacherLatency,
        estimates: core.machine.estimator.estimates(nowMilliseconds: wall),
        contents: core.contents, followedTombstones: core.followedTombstones,
        followedLabels: core.followedLabels, purged: core.purged, failure: core.failure)
    }
  }

  /// The metrics page.
  package func metrics() -> String {
    var page = snapshot.metricsPage()
    page.addDoubts(sink.doubts)
    return page.text
  }

  /// Lets the service end with a failure of the store, unless the same call can succeed later.
  func isRetriable(_ error: LabelStoreError) -> Bool {
    if error.isRetriable { return true }
    host.update { core, _ in core.fail(.store(error.description)) }
    return false
  }
}
