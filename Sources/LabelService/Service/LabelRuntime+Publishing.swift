internal import Basics
internal import Hosting
internal import LabelStore
internal import Pipeline
internal import Records
internal import StrictJSON
internal import Transport

extension LabelRuntime {
  /// How a publication ended.
  private enum Ending {
    /// The broker will never take the labels at these indices.
    case done(refused: Set<Int>)
    case tryAgain
    /// The service has failed.
    case over
  }

  /// Labels that are due, and the membership that was taken before they were chosen.
  package struct DuePublication: Sendable {
    let publication: Publication
    let membership: LabelSink.Membership
  }

  /// Stores, publishes and commits until the service is over.
  ///
  /// A label is stored first, marked as unpublished; so one that a crash kept from the topic is
  /// published at the next start, and its exchange is not asked about again.
  func publish() {
    guard publishBacklog() else { return }
    let start = host.clock.now()
    var chores = [
      Chore(milliseconds: LabelPace.purgeMilliseconds, next: start) { self.purge() },
      Chore(milliseconds: LabelPace.keepMilliseconds, next: start) { self.keepEstimates() },
      Chore(milliseconds: LabelPace.keepSpendingMilliseconds, next: start) {
        self.keepSpending()
      },
    ]
    while let task = nextTask(houseworkAt: chores.map(\.next).min() ?? start) {
      if case .publication = task, let due = nextPublication() { publish(due) }
      for index in chores.indices { chores[index].perform(at: host.clock.now) }
    }
    keepEstimates()
    keepSpending()
  }

  /// Work that comes round again and again, also while no records come.
  private struct Chore {
    let milliseconds: Int
    var next: Instant
    let work: () -> Void

    /// Does it if it is due.
    mutating func perform(at now: () -> Instant) {
      guard now() >= next else { return }
      work()
      next = now().advanced(byMilliseconds: milliseconds)
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

  /// What is due under the membership of this moment; nil when nothing is, or the service has
  /// failed.
  package func nextPublication() -> DuePublication? {
    guard let membership = membership(),
      case .perform(let publication) = host.look({ $0.machine.nextPublication(now: $1) })
    else { return nil }
    return DuePublication(publication: publication, membership: membership)
  }

  /// Stores and publishes labels, and commits the offsets of what they came from.
  package func publish(_ due: DuePublication) {
    let ending = publish(due.publication, as: due.membership)
    host.update { core, now in
      switch ending {
      case .done(let refused): core.machine.published(refused: refused, now: now)
      case .tryAgain:
        core.machine.publishingFailed(pauseMilliseconds: LabelPace.retryMilliseconds, now: now)
      case .over: break
      }
    }
  }

  /// The member of the group that this is now; nil when the service has failed.
  private func membership() -> LabelSink.Membership? {
    do throws(LabelSink.Cause) {
      return try sink.membership()
    } catch {
      host.update { core, _ in core.fail(.brokers(error.description)) }
      return nil
    }
  }

  private func publish(
    _ publication: Publication, as membership: LabelSink.Membership
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
    as membership: LabelSink.Membership
  ) -> Ending {
    var refused: Set<Int> = []
    while true {
      let indices = labels.indices.filter { !refused.contains($0) }
      let records = indices.map { labels[$0].record(topic: label.topic, format: label.format) }
      do throws(PublishFailure<LabelSink.Cause>) {
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
  package func publishBacklog() -> Bool {
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
      let gone = try store.purge(nowMilliseconds: host.clock.wallMilliseconds())
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
      try store.keep(Array(data), as: LabelPace.estimatorNote)
    } catch {
      _ = isRetriable(error)
    }
  }

  /// Keeps what counts for the hour's limit, so that no restart refills it.
  package func keepSpending() {
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
    let end = host.clock.now().advanced(byMilliseconds: LabelPace.retryMilliseconds)
    _ = host.next { _, time in
      time >= end ? Decision<Bool>.perform(true) : .wait(until: end)
    }
  }
}
