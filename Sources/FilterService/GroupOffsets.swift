internal import Hosting
package import Records
internal import Synchronization
internal import Threading

/// Where the group stands in partitions of which this daemon has committed nothing yet, asked of
/// the coordinator: without it the lag of a partition would be unknown until its first commit, and
/// for ever where nothing is committed.
package final class GroupOffsets: Sendable {
  /// A partition under one assignment of it.
  package struct Assignment: Hashable, Sendable {
    package let partition: TopicPartition
    package let number: Int

    package init(partition: TopicPartition, number: Int) {
      self.partition = partition
      self.number = number
    }
  }

  /// What the coordinator said of one assignment.
  private enum Answer: Sendable {
    case offset(Offset)
    /// The group has committed nothing: it begins with the oldest record.
    case nothing
  }

  private let interval: Duration
  private let unknown: @Sendable () -> [Assignment]
  private let ask: @Sendable ([TopicPartition]) throws -> [TopicPartition: Offset]
  private let answers = Mutex<[Assignment: Answer]>([:])
  private let isStopping = Monitor(false)

  /// - Parameters:
  ///   - interval: how often it is looked for assignments of which nothing is known.
  ///   - unknown: the assignments under which nothing was committed yet.
  ///   - ask: the offsets that the group has committed; partitions without one are left out.
  package init(
    interval: Duration = .seconds(1), unknown: @escaping @Sendable () -> [Assignment],
    ask: @escaping @Sendable ([TopicPartition]) throws -> [TopicPartition: Offset]
  ) {
    self.interval = interval
    self.unknown = unknown
    self.ask = ask
  }

  /// Asks until `stop`. Blocks; call it on a thread of its own.
  package func run() {
    repeat { look() } while !isStopping.waitUntilTrue(atMost: interval)
  }

  package func stop() { isStopping.update { $0 = true } }

  /// The next record that the group has not committed; nil while that is not known.
  ///
  /// - Parameter low: the oldest record that is kept, with which a new group begins.
  package func next(_ assignment: Assignment, low: Offset) -> Offset? {
    switch answers.withLock({ $0[assignment] }) {
    case .offset(let offset): max(offset, low)
    case .nothing: low
    case nil: nil
    }
  }

  private func look() {
    let wanted = unknown()
    let known = answers.withLock { answers in
      answers = answers.filter { wanted.contains($0.key) }
      return Set(answers.keys)
    }
    let new = wanted.filter { !known.contains($0) }
    // What cannot be asked now is asked again.
    guard !new.isEmpty, let found = try? ask(new.map(\.partition)) else { return }
    answers.withLock { answers in
      for assignment in new {
        answers[assignment] = found[assignment.partition].map { .offset($0) } ?? .nothing
      }
    }
  }
}

extension Monitor<Bool> {
  /// Whether it has become true by then.
  fileprivate func waitUntilTrue(atMost limit: Duration) -> Bool {
    let end = ContinuousClock.now + limit
    return wait { isTrue in
      let rest = end - ContinuousClock.now
      return isTrue || rest <= .zero ? .done(isTrue) : .sleep(atMost: rest)
    }
  }
}
