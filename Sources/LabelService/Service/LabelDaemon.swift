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
internal import Threading
internal import Wire

/// The labelling service: a `LabelMachine` on threads. One reads, one asks the teacher, one stores,
/// publishes and commits, one follows the labels topic.
package final class LabelDaemon: Sendable {
  /// The name under which the store keeps the estimates' state.
  static let estimatorNote = "estimator"

  let options: LabelOptions
  let consumer: KafkaConsumer
  let publisher: any RecordPublisher
  let follower: LabelFollower
  let store: LabelStore
  let teacher: any Teacher
  let logger: Logger
  let state: Monitor<LabelState>

  /// Joins the group; nothing is read before `run`.
  ///
  /// - Throws: `StartFailure` when brokers or topics are not there, or the store cannot be read.
  package init(
    settings: Settings, label: LabelSettings, environment: [String: String], store: LabelStore,
    teacher: any Teacher, logger: Logger
  ) throws(StartFailure) {
    options = LabelOptions(settings, label)
    self.store = store
    self.teacher = teacher
    self.logger = logger
    let own = settings.forLabelling(label)
    let clients = try KafkaClients(
      settings: own, environment: environment, events: ServiceHost.kafkaEvents(logger))
    let topics =
      settings.inputTopics + [settings.outputTopics.verdicts]
      + [settings.disagreementsTopic].compactMap { $0 }
    _ = try clients.partitionCounts(of: topics + [label.topic])
    do throws(KafkaError) {
      consumer = try clients.makeConsumer()
      publisher = try clients.makePublisher(for: consumer)
      try consumer.subscribe(to: topics)
    } catch {
      throw .unavailable(error.description)
    }
    follower = try LabelFollower(
      clients: clients, groupID: label.groupID, topic: label.topic, store: store,
      timeToLiveMilliseconds: options.timeToLiveMilliseconds)
    do throws(LabelStoreError) {
      state = Monitor(try Self.state(options, store, teacher.identity))
    } catch {
      throw .model(error.description)
    }
  }

  /// The machine as an earlier run left it: the hour's requests and the estimates.
  private static func state(
    _ options: LabelOptions, _ store: LabelStore, _ teacher: TeacherIdentity
  ) throws(LabelStoreError) -> LabelState {
    let start = Instant.now
    let wall = WallClock.milliseconds()
    var estimator = LiveEstimator(windowMilliseconds: options.estimateWindowMilliseconds)
    if let kept = try store.kept(as: estimatorNote),
      let former = try? JSONDecoder().decode(LiveEstimator.self, from: Data(kept)),
      former.windowMilliseconds == estimator.windowMilliseconds
    {
      estimator = former
    }
    var machine = LabelMachine(
      limits: options.limits, plan: options.plan, teacher: teacher, estimator: estimator,
      now: start)
    let spent = try store.labellingTimes(
      since: wall - 3_600_000, limit: options.limits.requestsPerHour)
    machine.remember(
      requestsAt: spent.map { start.advanced(byMilliseconds: Int(min(0, $0 - wall))) })
    return LabelState(machine: machine, lastPoll: start)
  }

  /// Runs until `stop` or a failure; nil after `stop`. Blocks.
  package func run() -> LabelFailure? {
    let threads = [
      BlockingThread(name: "ask") { self.ask() },
      BlockingThread(name: "publish") { self.publish() },
      BlockingThread(name: "follow") { self.follow() },
    ]
    read()
    let tasks = state.update { state in
      state.isOver = true
      return Array(state.tasks.values)
    }
    for task in tasks { task.cancel() }
    for thread in threads { thread.join() }
    let failure = state.withLock { $0.failure }
    if let failure { logger.error("labelling failed", metadata: ["reason": "\(failure)"]) }
    return failure
  }

  /// Asks the service to finish what is on its way and end.
  package func stop() { state.update { $0.isStopping = true } }

  /// Where the service stands.
  package var snapshot: LabelSnapshot {
    let time = Instant.now
    let wall = WallClock.milliseconds()
    return state.withLock { state in
      LabelSnapshot(
        counters: state.machine.counters, queued: state.machine.queue.count,
        inFlight: state.machine.inFlight.count,
        waitingExchanges: state.machine.join.waitingExchanges,
        waitingVerdicts: state.machine.join.waitingVerdicts,
        budgetLeft: state.machine.budget.left(at: time),
        isCircuitOpen: state.machine.breaker.isOpen,
        assigned: state.machine.ledger.assigned.count, wasAssigned: state.wasAssigned,
        isPublishing: state.machine.isPublishing,
        lastPublication: state.machine.lastPublication, lastPoll: state.lastPoll,
        teacherLatency: state.teacherLatency,
        estimates: state.machine.estimator.estimates(nowMilliseconds: wall),
        contents: state.contents, followedTombstones: state.followedTombstones,
        followedLabels: state.followedLabels, purged: state.purged, failure: state.failure)
    }
  }

  /// The metrics page.
  package func metrics() -> String {
    var page = snapshot.metricsPage()
    page.addDoubts(publisher.doubts)
    return page.text
  }

  /// Waits for the next piece of work that `decide` finds; nil when the service is over.
  func nextWork<Work>(
    _ decide: (inout LabelState, Instant) -> Decision<Work>
  ) -> Work? {
    state.wait { state -> Monitor<LabelState>.Turn<Work?> in
      if state.isOver || state.failure != nil { return .done(nil) }
      let time = Instant.now
      switch decide(&state, time) {
      case .perform(let work): return .done(work)
      case .wait(until: nil): return .sleep(atMost: .seconds(1))
      case .wait(let until?): return .sleep(atMost: time.duration(until: until))
      }
    }
  }

  /// Lets the service end with a failure of the store, unless the same call can succeed later.
  func isRetriable(_ error: LabelStoreError) -> Bool {
    if error.isRetriable { return true }
    state.update { $0.fail(.store(error.description)) }
    return false
  }
}
