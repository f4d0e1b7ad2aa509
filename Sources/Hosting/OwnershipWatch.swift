internal import Basics
internal import Kafka
package import Logging
package import Records
internal import Synchronization
package import Telemetry
internal import Threading

/// Looks from time to time whether each partition has an owner, and mends it where one has none.
package final class OwnershipWatch: Sendable {
  /// How long one question may take.
  private static let timeout = Duration.seconds(10)
  /// How long a visitor waits for its share.
  private static let visitMax = Duration.seconds(60)

  private let clients: KafkaClients
  private let groupID: String
  private let topics: [String]
  private let memberIdentifier: @Sendable () -> String
  private let logger: Logger
  private let interval: Duration
  private let machine: Mutex<OwnershipMachine>
  private let found = Mutex<[TopicPartition: String?]>([:])
  private let isStopping = Monitor(false)

  /// - Parameters:
  ///   - topics: what the group reads.
  ///   - interval: how often the group is asked for.
  ///   - memberIdentifier: this daemon's name in the group; empty before it has joined.
  package init(
    of topics: [String], in groupID: String, clients: KafkaClients, logger: Logger,
    interval: Duration = .seconds(10), memberIdentifier: @escaping @Sendable () -> String
  ) {
    self.clients = clients
    self.groupID = groupID
    self.topics = topics
    self.memberIdentifier = memberIdentifier
    self.logger = logger
    self.interval = interval
    machine = Mutex(OwnershipMachine(patience: interval * 2))
  }

  /// Watches until `stop`. Blocks.
  package func run() {
    var admin: KafkaAdmin?
    var failure: String?
    while !pause(for: interval) {
      do throws(KafkaError) {
        let asked = if let admin { admin } else { try clients.makeAdmin() }
        admin = asked
        let isTold = try look(asked)
        note(isTold ? nil : "the brokers do not tell who has which", named: "silence", &failure)
      } catch {
        note("\(error)", named: error.name, &failure)
      }
    }
  }

  /// Some brokers do not tell, and some may not be asked: once is enough.
  private func note(_ reason: String?, named name: String, _ failure: inout String?) {
    if let reason, failure != name {
      logger.notice("who owns which partition is not known", metadata: ["reason": "\(reason)"])
    }
    failure = reason == nil ? nil : name
  }

  package func stop() { isStopping.update { $0 = true } }

  /// Partitions without an owner, as far as is known.
  package var orphans: [TopicPartition] { machine.withLock { $0.orphans } }

  /// Each partition that the group is to read, and the member that has it; nil for nobody. Empty
  /// where the brokers do not tell.
  package var owners: [TopicPartition: String?] { found.withLock { $0 } }

  /// Adds what was found to a metrics page.
  package func add(to page: inout MetricsPage) {
    let (orphans, reassignments) = machine.withLock { ($0.orphans, $0.reassignments) }
    page.gauge(
      "sluice_orphaned_partitions", "Partitions that no member of the group owns.",
      Double(orphans.count))
    page.counter(
      "sluice_group_reassignments_total",
      "Times that this daemon made the group assign anew for such partitions.", reassignments)
  }

  /// Looks once; false where a group that is there does not say who has which partition.
  private func look(_ admin: KafkaAdmin) throws(KafkaError) -> Bool {
    let own = memberIdentifier()
    if own.isEmpty { return true }
    let group = try admin.group(groupID, timeout: Self.timeout)
    let wanted = try admin.partitions(of: topics, timeout: Self.timeout)
    found.withLock { found in
      found =
        group.tellsShares ? Dictionary(uniqueKeysWithValues: wanted.map { ($0, nil) }) : [:]
      for member in group.members {
        for partition in member.partitions ?? [] { found[partition] = .some(member.identifier) }
      }
    }
    let before = machine.withLock { $0.orphans }
    let (acts, orphans) = machine.withLock {
      ($0.survey(group, wanted: wanted, as: own, now: .now), $0.orphans)
    }
    if orphans != before {
      let text = orphans.prefix(20).map { "\($0)" }.joined(separator: ", ")
      let data: Logger.Metadata = ["partitions": "\(text)", "count": "\(orphans.count)"]
      if orphans.isEmpty {
        logger.notice("every partition has an owner again")
      } else {
        logger.error("partitions without an owner", metadata: data)
      }
    }
    if acts { try visit() }
    return group.tellsShares || !group.isStable
  }

  /// Joins the group, waits for a share of it, and leaves without having read anything.
  private func visit() throws(KafkaError) {
    logger.notice("making the group assign its partitions anew")
    let visitor = try clients.makeVisitor()
    try visitor.subscribe(to: topics)
    var hasJoined = false
    let end = Instant.now.advanced(by: Self.visitMax)
    while !hasJoined, Instant.now < end, !isStopping.withLock({ $0 }) {
      var records: [InputRecord] = []
      try visitor.poll(into: &records, max: 1, timeout: .milliseconds(100)) { change in
        visitor.hold { _ in true }
        if case .assigned = change { hasJoined = true }
      }
    }
    _ = try visitor.close(timeout: Self.timeout) { _ in }
  }

  /// Waits; true when the watch is over.
  private func pause(for duration: Duration) -> Bool {
    let end = Instant.now.advanced(by: duration)
    return isStopping.wait { isStopping in
      if isStopping { return .done(true) }
      let now = Instant.now
      return now >= end ? .done(false) : .sleep(atMost: now.duration(until: end))
    }
  }
}
