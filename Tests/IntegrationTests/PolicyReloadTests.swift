import Foundation
import Glibc
import Kafka
import Pipeline
import Records
import Settings
import TestSupport
import Testing
import Wire

/// Policies that change while records flow, in the real program.
@Suite(.serialized) struct PolicyReloadTests {
  private static let partitionCount = 2
  private let cluster: MockCluster

  init() throws {
    cluster = try MockCluster()
    for topic in ["in", "verdicts", "dead"] {
      try cluster.createTopic(topic, partitions: Self.partitionCount)
    }
  }

  private func yaml(threshold: String, more: String = "") -> String {
    """
    kafka: {bootstrap_servers: "\(cluster.bootstrapServers)", group_id: reload}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(GoldenCase.url("v3-style").path), poll_seconds: 0}
    engine: {threads: 1}
    telemetry: {listen: none}
    policies: {default: {threshold: \(threshold), action: flag}}
    \(more)
    """
  }

  private func reload(_ daemon: DaemonProcess, _ yaml: String) throws {
    try Data(yaml.utf8).write(to: URL(filePath: daemon.directory.path + "/sluice.yaml"))
    daemon.process.send(signal: SIGHUP)
  }

  private func count(_ text: String, in daemon: DaemonProcess) -> Int {
    daemon.log.components(separatedBy: text).count - 1
  }

  private func send(_ producer: KafkaProducer, _ numbers: Range<Int>) throws {
    try producer.send(
      numbers.map { number in
        OutputRecord(
          topic: "in", partition: Partition(Int32(number % Self.partitionCount)), key: nil,
          value: Array(#"{"id": "\#(number)", "prompt": "How are you?"}"#.utf8))
      }, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  private func verdicts(_ reader: KafkaConsumer, _ wanted: Int) throws -> [Verdict] {
    var decoder = VerdictDecoder()
    var records: [InputRecord] = []
    let isThere = comesAbout {
      try? reader.poll(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
      return records.count >= wanted
    }
    #expect(isThere)
    return try records.map { try decoder.decode($0.value ?? [], as: .json) }
  }

  private func reader() throws -> KafkaConsumer {
    let reader = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": cluster.bootstrapServers, "group.id": "reload-test",
        "auto.offset.reset": "earliest", "isolation.level": "read_committed",
      ]))
    try reader.subscribe(to: ["verdicts", "dead"])
    return reader
  }

  /// A hundred reloads while records flow: none is lost or repeated, none has to be read again, and
  /// each verdict is by one set of rules alone, that of its digest.
  @Test func reloadsDoNotDisturbTheStream() throws {
    let policies = try ["0", "1"].map {
      try Settings(yaml: yaml(threshold: $0), file: "test").policies.standard
    }
    let daemon = try DaemonProcess(settings: yaml(threshold: "0"))
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
    let reader = try reader()
    let reloads = 101
    try send(producer, 0..<20)
    // However slowly the group forms: these are by the first rules, and the last by the last.
    var verdicts = try verdicts(reader, 20)
    for number in 1...reloads {
      try send(producer, number * 20..<(number + 1) * 20)
      try reload(daemon, yaml(threshold: "\(number % 2)"))
      #expect(comesAbout { count("policies replaced", in: daemon) == number }, "\(daemon.log)")
    }
    let total = (reloads + 2) * 20
    try send(producer, total - 20..<total)
    verdicts += try self.verdicts(reader, total - 20)
    #expect(verdicts.count == total)
    for partition in 0..<Int32(Self.partitionCount) {
      let offsets = verdicts.compactMap(\.source)
        .filter { $0.partition.rawValue == partition }.map(\.offset.rawValue)
      #expect(offsets == Array(0..<Int64(total / 2)), "lost, repeated or reordered")
    }
    #expect(Set(verdicts.compactMap(\.policyDigest)) == Set(policies.map(\.digest)))
    for verdict in verdicts {
      let policy = try #require(policies.first { $0.digest == verdict.policyDigest })
      #expect(verdict.threshold == policy.threshold)
      #expect(verdict.action == (policy.threshold == 0 ? .flag : .allow))
    }
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    #expect(!daemon.log.contains("publication failed"))
    #expect(count("ready", in: daemon) == 1, "no partition changed hands: \(daemon.log)")
  }

  /// What is wrong now leaves what was right before, and what cannot change now is said.
  @Test func aWrongFileChangesNothing() throws {
    let daemon = try DaemonProcess(settings: yaml(threshold: "0"))
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
    try reload(daemon, yaml(threshold: "2"))
    #expect(comesAbout { daemon.log.contains("settings refused, the old ones stay") })
    #expect(daemon.log.contains("policies.default.threshold"))
    let rules = "policies: {default: {categories: {violence: {threshold: 0.1}}}}"
    let ruled = yaml(threshold: "0").replacing(/policies:.*/, with: rules)
    try reload(daemon, ruled)
    #expect(comesAbout { daemon.log.contains("the model has no categories") })
    try reload(daemon, yaml(threshold: "0", more: "batch: {records_max: 7}"))
    #expect(comesAbout { daemon.log.contains("other settings changed") })
    #expect(comesAbout { daemon.log.contains("policies unchanged") })
    try send(producer, 0..<10)
    let verdicts = try verdicts(try reader(), 10)
    #expect(verdicts.allSatisfy { $0.threshold == 0 && $0.action == .flag })
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    #expect(!daemon.log.contains("policies replaced"))
  }
}
