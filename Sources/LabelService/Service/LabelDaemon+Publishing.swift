internal import Basics
internal import Foundation
internal import Hosting
internal import Kafka
internal import LabelStore
internal import Pipeline
internal import Records
internal import StrictJSON
internal import Transport

extension LabelDaemon {
  /// How a publication ended.
  private enum Ending {
    /// The broker will never take the labels at these indices.
    case done(refused: Set<Int>)
    case tryAgain
    /// The service has failed.
    case over
  }

  /// Stores, publishes and commits until the service is over.
  ///
  /// A label is stored first, marked as unpublished; so one that a crash kept from the topic is
  /// published at the next start, and its exchange is not asked about again.
  func publish() {
    guard publishBacklog() else { return }
    var chores = [
      Chore(milliseconds: LabelPace.purgeMilliseconds, next: .now) { self.purge() },
      Chore(milliseconds: LabelPace.keepMilliseconds, next: .now) { self.keepEstimates() },
      Chore(milliseconds: LabelPace.keepSpendingMilliseconds, next: .now) { self.keepSpending() },
    ]
    while let task = nextTask(houseworkAt: chores.map(\.next).min() ?? .now) {
      if case .publication = task {
        let ending = publishNext()
        if let ending { finish(ending) }
        if case .over = ending { return }
      }
      for index in chores.indices where Instant.now >= chores[index].next {
        chores[index].perform()
      }
    }
    keepEstimates()
    keepSpending()
  }

  /// Work that comes round again and again, also while no records come.
  private struct Chore {
    let milliseconds: Int
    var next: Instant
    let work: () -> Void

    mutating func perform() {
      work()
      next = Instant.now.advanced(byMilliseconds: milliseconds)
    }
  }

  /// What the publishing thread does next.
  private enum PublishingTask: Sendable {
    case publication
    case housework
  }

  private func nextTask(houseworkAt due: Instant) -> PublishingTask? {
    host.next { core, time in
      switch core.machine.publicationIsDue(now: time) {
      case .perform: .perform(.publication)
      case .wait where time >= due: .perform(.housework)
      case .wait(let until): .wait(until: min(until ?? due, due))
      }
    }
  }

  private func finish(_ ending: Ending) {
    host.update { core, now in
      switch ending {
      case .done(let refused): core.machine.published(refused: refused, now: now)
      case .tryAgain:
        core.machine.publishingFailed(pauseMilliseconds: LabelPace.retryMilliseconds, now: now)
      case .over: break
      }
    }
  }

  /// Publishes what is due under the membership of this moment; nil when nothing is left to
  /// publish.
  private func publishNext() -> Ending? {
    guard let membership = membership() else { return .over }
    let decision = host.look { $0.machine.nextPublication(now: $1) }
    guard case .perform(let publication) = decision else { return nil }
    return publish(publication, as: membership)
  }

  /// The member of the group that this is now; nil when the service has failed.
  private func membership() -> ConsumerGroupMetadata? {
    do throws(KafkaError) {
      return try sink.membership()
    } catch {
      host.update { core, _ in core.fail(.brokers(error.description)) }
      return nil
    }
  }

  private func publish(
    _ publication: Publication, as membership: ConsumerGroupMetadata
  ) -> Ending {
    do throws(LabelStoreError) {
      if !publication.labels.isEmpty {
        try store.save(
          publication.labels, timeToLiveMilliseconds: label.timeToLiveMilliseconds,
          isPublished: false)
        for item in publication.items {
          for sample in item.samples.dropFirst() {
            if let digest = item.label.key?.digest {
              try store.note(sample.occurrence, of: digest)
            }
          }
        }
      }
      let ending = send(publication.labels, offsets: publication.offsets, as: membership)
      if case .done = ending { try store.markPublished(publication.labels.compactMap(\.key)) }
      return ending
    } catch {
      return isRetriable(error) ? .tryAgain : .over
    }
  }

  /// Publishes labels, then offsets.
  private func send(
    _ labels: [TeacherLabel], offsets: [TopicPartition: Offset],
    as membership: ConsumerGroupMetadata
  ) -> Ending {
    var refused: Set<Int> = []
    while true {
      let indices = labels.indices.filter { !refused.contains($0) }
      let records = indices.map { labels[$0].record(topic: label.topic, format: label.format) }
      do throws(PublishFailure<KafkaError>) {
        try sink.publish(records, offsets: offsets, as: membership)
        return .done(refused: refused)
      } catch {
        switch error {
        case .rejected(let index, let cause):
          refused.insert(indices[index])
          logger.error("a label is refused", metadata: ["reason": "\(cause)"])
        case .aborted(let cause):
          abortLog.note(cause)
          return .tryAgain
        case .fatal(let cause):
          host.update { core, _ in core.fail(.brokers(cause.description)) }
          return .over
        }
      }
    }
  }

  /// Publishes what an earlier run stored and could not publish; false when the service is over.
  private func publishBacklog() -> Bool {
    while !host.isOver {
      do throws(LabelStoreError) {
        let labels = try store.unpublished(limit: label.limits.publicationMax)
        if labels.isEmpty { return true }
        guard let membership = membership() else { return false }
        switch send(labels, offsets: [:], as: membership) {
        case .done:
          try store.markPublished(labels.compactMap(\.key))
          logger.info("published labels of an earlier run", metadata: ["count": "\(labels.count)"])
        case .tryAgain: rest()
        case .over: return false
        }
      } catch {
        guard isRetriable(error) else { return false }
        rest()
      }
    }
    return false
  }

  /// Erases what is too old, here and in the topic.
  private func purge() {
    do throws(LabelStoreError) {
      let gone = try store.purge(nowMilliseconds: WallClock.milliseconds())
      let counts = try store.counts()
      host.update { core, _ in
        core.contents = counts
        core.purged += gone.count
      }
      guard !gone.isEmpty else { return }
      guard let membership = try? sink.membership() else { return }
      try? sink.publish(
        gone.map { $0.tombstone(topic: label.topic) }, offsets: [:], as: membership)
    } catch {
      _ = isRetriable(error)
    }
  }

  /// Keeps the estimates for the next run; losing them costs precision for a while and no more.
  private func keepEstimates() {
    let estimator = host.look { core, _ in core.machine.estimator }
    guard let data = try? JSONCoder.encode(estimator) else { return }
    do throws(LabelStoreError) {
      try store.keep(Array(data), as: Self.estimatorNote)
    } catch {
      _ = isRetriable(error)
    }
  }

  /// Keeps what counts for the hour's limit, so that no restart refills it.
  private func keepSpending() {
    let statement = teacher.statement
    guard host.look({ core, _ in core.requestsKept }) != statement.sent else { return }
    do throws(LabelStoreError) {
      try store.keep(statement.spending)
      host.update { core, _ in core.requestsKept = statement.sent }
    } catch {
      _ = isRetriable(error)
    }
  }

  private func rest() {
    let end = Instant.now.advanced(byMilliseconds: LabelPace.retryMilliseconds)
    _ = host.next { _, time in
      time >= end ? Decision<Bool>.perform(true) : .wait(until: end)
    }
  }
}
