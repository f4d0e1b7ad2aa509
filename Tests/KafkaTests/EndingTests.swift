import Kafka
import Records
import Synchronization
import Testing
import Threading

/// A client that can never be freed holds nobody up for ever.
@Suite(.ownThread) struct EndingTests {
  /// Stops the library's threads at their next line of log, until it is opened.
  private final class Barrier: Sendable {
    private let isOpen = Monitor(true)

    func pass() { isOpen.wait { $0 ? .done(()) : .sleep(atMost: nil) } }
    func close() { isOpen.update { $0 = false } }
    func open() { isOpen.update { $0 = true } }
  }

  enum Kind: CaseIterable { case consumer, producer, admin, reader }

  @Test(arguments: Kind.allCases)
  func aClientWhoseThreadIsStuckIsLeftAfterAWhile(_ kind: Kind) throws {
    let cluster = try TestCluster()
    let topic = try cluster.makeTopic(partitions: 1)
    let barrier = Barrier()
    defer { barrier.open() }
    let reports = Mutex<[KafkaError]>([])
    let events = KafkaEvents(
      log: { _, _, _ in barrier.pass() }, error: { error in reports.withLock { $0.append(error) } })
    var configuration = cluster.configuration(["debug": "all", "group.id": uniqueName("group")])
    if kind != .consumer { configuration["group.id"] = nil }
    var client: AnyObject? =
      switch kind {
      case .consumer: try KafkaConsumer(configuration, events: events)
      case .producer: try KafkaProducer(configuration, events: events)
      case .admin: try KafkaAdmin(configuration, events: events)
      case .reader:
        try TopicReader(configuration, topics: [topic], timeout: .seconds(10), events: events)
      }
    #expect(client != nil)
    barrier.close()
    let time = ContinuousClock().measure { client = nil }
    #expect(time > .seconds(4) && time < .seconds(9), "\(time)")
    let reasons = reports.withLock { $0.map(\.description) }
    #expect(reasons.contains { $0.contains("did not end within") }, "\(reasons)")
  }

  /// Freed while it asks for its offsets and the broker goes away: this ended the process in one of
  /// a hundred times.
  @Test func membersWhoseBrokerGoesAwayAreFreed() throws {
    let failures = Mutex<[String]>([])
    let threads = (0..<64).map { _ in
      BlockingThread(name: "member") {
        do {
          try Self.freeWhileOffsetsAreAskedFor()
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.withLock { $0 } == [])
  }

  private static func freeWhileOffsetsAreAskedFor() throws {
    let mock = try MockCluster()
    try mock.createTopic("t", partitions: 2)
    var configuration = KafkaConfiguration(bootstrapServers: mock.bootstrapServers)
    configuration["group.id"] = "g"
    var consumer: KafkaConsumer? = try KafkaConsumer(configuration)
    try consumer?.subscribe(to: ["t"])
    var isAssigned = false
    let end = ContinuousClock.now + .seconds(30)
    while !isAssigned {
      if ContinuousClock.now > end { throw TimeIsUp() }
      _ = try consumer?.poll(timeout: .milliseconds(20)) { change in
        if case .assigned = change { isAssigned = true }
      }
    }
    let breaking = BlockingThread(name: "breaking") { try? mock.setBroker(1, isUp: false) }
    consumer = nil
    breaking.join()
  }

  /// Freed in a group that has not yet given it anything: with cooperative-sticky this ended the
  /// process (librdkafka #4312).
  @Test(arguments: ["cooperative-sticky", "range,roundrobin"])
  func membersThatWereGivenNothingAreFreed(strategy: String) throws {
    let mock = try MockCluster()
    try mock.createTopic("t", partitions: 2)
    mock.failNext(.syncGroup, with: [KafkaErrorCode](repeating: .illegalGeneration, count: 500))
    var configuration = KafkaConfiguration(bootstrapServers: mock.bootstrapServers)
    configuration["debug"] = "cgrp"
    configuration["partition.assignment.strategy"] = strategy
    for closes in [false, true] {
      configuration["group.id"] = "g-\(closes)"
      let hasJoined = Mutex(false)
      let events = KafkaEvents(
        log: { _, _, text in
          if text.contains("wait-sync") { hasJoined.withLock { $0 = true } }
        }, error: { _ in })
      var consumer: KafkaConsumer? = try KafkaConsumer(configuration, events: events)
      try consumer?.subscribe(to: ["t"])
      let end = ContinuousClock.now + .seconds(30)
      while !hasJoined.withLock({ $0 }) {
        if ContinuousClock.now > end { throw TimeIsUp() }
        _ = try consumer?.poll(timeout: .milliseconds(20)) { _ in }
      }
      if closes { _ = try consumer?.close(timeout: .seconds(10)) { _ in } }
      let time = ContinuousClock().measure { consumer = nil }
      #expect(time < .seconds(4), "\(time)")
    }
  }
}
