import Kafka
import Records
import TestSupport
import Threading
import Wire

/// A reader of the outputs that watches while things fail.
final class Watcher: Sendable {
  /// Which records it is given.
  enum Isolation: String, Sendable {
    case committed = "read_committed"
    case uncommitted = "read_uncommitted"
  }

  struct Seen: Sendable {
    /// Records of each input partition that are decided: outputs about different exchanges.
    var decided: [Int]
    /// All outputs that it was given.
    var count = 0
    /// What no reader may ever be given.
    var problems: [String] = []
    /// The last offset read of each output partition.
    fileprivate var positions: [TopicPartition: Offset] = [:]
    /// The last exchange decided, of each input partition in each output partition.
    fileprivate var last: [TopicPartition: [Partition: Offset]] = [:]
    fileprivate var isOver = false
  }

  private let bootstrapServers: String
  private let names: RoundNames
  private let isolation: Isolation
  private let state: Monitor<Seen>
  private let thread = Monitor<BlockingThread?>(nil)

  /// Reads from now on, until it is stopped.
  init(_ ground: Ground, _ isolation: Isolation, partitions: Int) {
    bootstrapServers = ground.bootstrapServers
    names = ground.names
    self.isolation = isolation
    state = Monitor(Seen(decided: [Int](repeating: 0, count: partitions)))
    thread.update { $0 = BlockingThread(name: isolation.rawValue) { [self] in watch() } }
  }

  /// What it has seen until now.
  var seen: Seen { state.withLock { $0 } }

  /// Ends its thread.
  func stop() {
    state.update { $0.isOver = true }
    thread.withLock { $0 }?.join()
  }

  private var isOver: Bool { state.withLock { $0.isOver } }

  /// A reader that meets an open transaction of noida-db may stop there for good, while a new one
  /// sees everything: one that gets nothing for a while is replaced, and what it reads again left
  /// out.
  private func watch() {
    while !isOver {
      do {
        let consumer = try KafkaConsumer(
          KafkaConfiguration([
            "bootstrap.servers": bootstrapServers,
            "group.id": "\(names.group)-watcher-\(UInt32.random(in: 0 ... .max))",
            "auto.offset.reset": "earliest", "isolation.level": isolation.rawValue,
            // Tansu knows no other; alone in its group, it does not matter to a watcher.
            "partition.assignment.strategy": "cooperative-sticky",
          ]))
        try consumer.subscribe(to: [names.verdicts, names.deadLetters])
        try read(consumer)
      } catch {
        state.update { $0.problems.append("\(isolation.rawValue): \(error)") }
      }
    }
  }

  private func read(_ consumer: KafkaConsumer) throws {
    var decoder = VerdictDecoder()
    // Some brokers take seconds to let a member in.
    var fresh = ContinuousClock.now + .seconds(20)
    while !isOver, ContinuousClock.now - fresh < .seconds(5) {
      var records: [InputRecord] = []
      try consumer.poll(into: &records, max: 500, timeout: .milliseconds(20)) { change in
        if case .assigned = change { fresh = .now }
      }
      let outcomes = records.compactMap { Outcome($0, &decoder) }
      if outcomes.isEmpty { continue }
      let isNew = state.update { seen in
        let before = seen.count
        for outcome in outcomes { take(outcome, &seen) }
        return seen.count > before
      }
      if isNew { fresh = .now }
    }
  }

  private func take(_ outcome: Outcome, _ seen: inout Seen) {
    let place = outcome.place.topicPartition
    if let last = seen.positions[place], outcome.place.offset <= last { return }
    seen.positions[place] = outcome.place.offset
    seen.count += 1
    let partition = outcome.source.partition
    if isolation == .committed, let last = seen.last[place]?[partition],
      outcome.source.offset <= last, seen.problems.count < 10
    {
      seen.problems.append("\(outcome.place): \(outcome.source) after \(last.rawValue)")
    }
    seen.last[place, default: [:]][partition] = outcome.source.offset
    let number = Int(partition.rawValue)
    if seen.decided.indices.contains(number) { seen.decided[number] += 1 }
  }
}
