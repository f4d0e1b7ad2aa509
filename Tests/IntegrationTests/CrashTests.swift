import Foundation
import Glibc
import Kafka
import Records
import TestSupport
import Testing
import Wire

/// The daemon as users run it, against a broker process: killed in the middle of a transaction and
/// started again.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct CrashTests {
  private static let count = 1500
  private static let partitionCount = 3

  @Test func aKillInMidTransactionLosesAndRepeatsNothing() throws {
    let broker = try NoidaBroker()
    defer { broker.stop() }
    try makeTopics(broker)
    try sendExchanges(broker)
    let settings = settings(broker)

    let victim = try DaemonProcess(settings: settings)
    let met = try killInMidTransaction(victim, broker)
    try #require(met, "no open transaction was met; the daemon's log: \(victim.log)")

    let successor = try DaemonProcess(settings: settings)
    let outputs: [InputRecord]
    do {
      outputs = try readCommitted(Self.count, broker)
    } catch {
      Issue.record("\(error); the successor's log: \(successor.log)")
      return
    }
    #expect(successor.process.stop(within: .seconds(30)) == .exited(0), "\(successor.log)")
    try check(outputs)
    var written: [InputRecord] = []
    try poll(reader(broker, isolation: "read_uncommitted"), into: &written, while: .seconds(5))
    #expect(written.count > outputs.count, "the killed transaction left its aborted records")
  }

  @Test func aDaemonThatIsAskedToStopLeavesInOrderAndTheNextOneGoesOn() throws {
    let broker = try NoidaBroker()
    defer { broker.stop() }
    try makeTopics(broker)
    try sendExchanges(broker)
    let settings = settings(broker)
    let first = try DaemonProcess(settings: settings)
    let reader = try reader(broker, isolation: "read_committed")
    var outputs: [InputRecord] = []
    try poll(reader, into: &outputs, until: { $0.count >= 50 })
    #expect(first.process.stop(within: .seconds(30)) == .exited(0), "\(first.log)")
    let second = try DaemonProcess(settings: settings)
    try poll(reader, into: &outputs, until: { $0.count >= Self.count })
    #expect(second.process.stop(within: .seconds(30)) == .exited(0), "\(second.log)")
    try check(outputs)
  }

  /// Holds the daemon still again and again until it stands in the middle of a transaction, and
  /// kills it there; false when that never happened.
  private func killInMidTransaction(_ daemon: DaemonProcess, _ broker: NoidaBroker) throws -> Bool {
    let committed = try reader(broker, isolation: "read_committed")
    let all = try reader(broker, isolation: "read_uncommitted")
    var seenCommitted: [InputRecord] = []
    var seen: [InputRecord] = []
    try poll(all, into: &seen, until: { !$0.isEmpty })
    while seen.count < Self.count {
      daemon.process.send(signal: SIGSTOP)
      try poll(all, into: &seen, while: .milliseconds(150))
      try poll(committed, into: &seenCommitted, while: .milliseconds(150))
      if seen.count > seenCommitted.count, try isTransactionOpen(seen.count, broker) {
        daemon.process.kill()
        return true
      }
      daemon.process.send(signal: SIGCONT)
      try poll(all, into: &seen, while: .milliseconds(Int.random(in: 1...20)))
    }
    return false
  }

  /// Whether a new reader of what is committed also sees less: the first may only have been late.
  private func isTransactionOpen(_ written: Int, _ broker: NoidaBroker) throws -> Bool {
    let reader = try reader(broker, isolation: "read_committed")
    var records: [InputRecord] = []
    try poll(reader, into: &records, while: .seconds(5))
    return records.count < written
  }

  // MARK: What goes in and comes out

  private func makeTopics(_ broker: NoidaBroker) throws {
    let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: broker.bootstrapServers))
    try admin.createTopics(
      ["in", "verdicts", "dead"].map {
        KafkaAdmin.NewTopic($0, partitionCount: Self.partitionCount)
      }, timeout: .seconds(20))
  }

  private func sendExchanges(_ broker: NoidaBroker) throws {
    let producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: broker.bootstrapServers))
    let records = (0..<Self.count).map { number in
      OutputRecord(
        topic: "in", partition: Partition(Int32(number % Self.partitionCount)),
        key: Array("key-\(number)".utf8),
        value: Array(#"{"id": "\#(number)", "prompt": "How are you, number \#(number)?"}"#.utf8))
    }
    try producer.send(records, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  private func settings(_ broker: NoidaBroker) -> String {
    """
    kafka:
      bootstrap_servers: \(broker.bootstrapServers)
      group_instance_id: filter-1
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(SourceTree.url("Sources/Demonstration/Resources/guard-tiny").path)}
    batch: {records_max: 16}
    telemetry: {listen: none}
    """
  }

  private func reader(_ broker: NoidaBroker, isolation: String) throws -> KafkaConsumer {
    let consumer = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": broker.bootstrapServers,
        "group.id": "test-\(UInt32.random(in: 0 ... .max))",
        "auto.offset.reset": "earliest", "isolation.level": isolation,
      ]))
    try consumer.subscribe(to: ["verdicts", "dead"])
    return consumer
  }

  private struct TimeIsUp: Error {
    let recordsSeen: Int
  }

  private func poll(
    _ consumer: KafkaConsumer, into records: inout [InputRecord],
    until isEnough: ([InputRecord]) -> Bool
  ) throws {
    let end = ContinuousClock.now + .seconds(90)
    while !isEnough(records) {
      if ContinuousClock.now > end { throw TimeIsUp(recordsSeen: records.count) }
      try consumer.pollBatch(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
    }
  }

  private func poll(
    _ consumer: KafkaConsumer, into records: inout [InputRecord], while duration: Duration
  ) throws {
    let end = ContinuousClock.now + duration
    while ContinuousClock.now < end {
      try consumer.pollBatch(into: &records, max: 500, timeout: .milliseconds(10)) { _ in }
    }
  }

  /// All committed outputs, from the beginning, once there are `count`.
  ///
  /// A reader that meets noida-db's open transaction may stop there for good, while a new one sees
  /// everything: so this looks with new readers until all is there.
  private func readCommitted(_ count: Int, _ broker: NoidaBroker) throws -> [InputRecord] {
    let end = ContinuousClock.now + .seconds(120)
    while true {
      let consumer = try reader(broker, isolation: "read_committed")
      var records: [InputRecord] = []
      try poll(consumer, into: &records, while: .seconds(5))
      if records.count >= count { return records }
      if ContinuousClock.now > end { throw TimeIsUp(recordsSeen: records.count) }
    }
  }

  /// Each exchange has one verdict, in input order, on the partition it came from.
  private func check(_ outputs: [InputRecord]) throws {
    var decoder = VerdictDecoder()
    var offsets: [Partition: [Int64]] = [:]
    var models: Set<String> = []
    for output in outputs {
      let verdict = try decoder.decode(output.value ?? [], as: .json)
      let source = try #require(verdict.source)
      #expect(source.partition == output.source.partition)
      #expect(output.key == Array("key-\(verdict.id)".utf8))
      #expect(output.headers.text(of: "sluice-action") == verdict.action.rawValue)
      offsets[source.partition, default: []].append(source.offset.rawValue)
      models.insert(verdict.model)
    }
    #expect(offsets.count == Self.partitionCount)
    for (partition, offsets) in offsets {
      let count = Self.count / Self.partitionCount
      #expect(offsets == Array(0..<Int64(count)), "lost, repeated or reordered in \(partition)")
    }
    #expect(models.count == 1)
  }
}
