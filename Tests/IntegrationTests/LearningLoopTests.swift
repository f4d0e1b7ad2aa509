import Foundation
import Kafka
import ModelRegistry
import Records
import TestSupport
import Testing
import Wire

/// The whole loop on real parts: a broker process, the filter with model A, the labelling service
/// with a real language model as its teacher, the retraining, its gate, and the swap to model B.
@Suite(
  .enabled(if: !NoidaBroker.isSkipped && !LanguageModelServer.isSkipped), .serialized)
struct LearningLoopTests {
  private static let labelled = 80

  @Test("From traffic to a better model, with one verdict for each exchange")
  func theLoopCloses() async throws {
    let broker = try NoidaBroker()
    defer { broker.stop() }
    let teacher = try await LanguageModelServer()
    defer { teacher.stop() }
    let world = try RetrainWorld(broker: broker)
    let label = """
      label:
        topic: labels
        store: \(world.directory.path)/labels.sqlite
        listen: none
        validation_share: 0.05
        test_share: 0.05
        teacher: {url: "\(teacher.url)", template: few_shot, concurrent_requests_max: 2}
        sampling: {random_rate: 1, labels_per_tenant_per_hour: 0}
      """
    // What so small a teacher says of invented words is noise, which the gate must bear: the old
    // rows teach them, and the gold set of both kinds decides.
    try world.write(
      RetrainWorld.rows(200..<400, kind: .everyday)
        + RetrainWorld.rows(400..<560, kind: .invented), to: "old")
    let yaml = world.yaml(steps: 40, label: label)
      .replacing("fresh_rows_min: 10", with: "fresh_rows_min: 1000")
      .replacing("{replay:", with: "{label_share: 0.1, label_repeats_max: 1, replay:")
      .replacing(
        "latency_ratio_max: 5",
        with: """
          latency_ratio_max: 5
              decision_change_max: 0.8
              recall_drop_max: 0.2
          """)
    let filter = try DaemonProcess(settings: yaml)
    let labeller = try DaemonProcess("label", settings: yaml)
    var traffic = Traffic(
      try KafkaProducer(KafkaConfiguration(bootstrapServers: world.bootstrapServers)))
    try traffic.send(Self.labelled)

    let reader = try reader(world, of: "labels")
    var labels: Set<[UInt8]> = []
    try receive(from: reader, log: { labeller.log }) { records in
      labels.formUnion(records.compactMap(\.key))
      return labels.count >= Self.labelled
    }
    let retraining = try ChildProcess(
      DaemonProcess.program, ["retrain", "--config", try world.settingsFile(yaml)],
      output: world.directory.path + "/retrain.log")
    while retraining.isRunning {
      try traffic.send(10)
      usleep(200_000)  // sleeps: a trickle of traffic while it trains
    }
    #expect(retraining.ending == .exited(0), "\(world.log)")
    let version = try #require(world.outcome?.version, "\(world.log)")
    #expect(world.registry.current == version)

    let verdicts = try await verdicts(world, &traffic, until: "\(version)@", log: { filter.log })
    #expect(filter.process.stop(within: .seconds(30)) == .exited(0), "\(filter.log)")
    #expect(labeller.process.stop(within: .seconds(30)) == .exited(0), "\(labeller.log)")
    check(verdicts, sent: traffic.sent, old: "\(world.champion)@", new: "\(version)@")
  }

  /// Exchanges, numbered from 0.
  private struct Traffic {
    private(set) var sent = 0
    private let producer: KafkaProducer

    init(_ producer: KafkaProducer) { self.producer = producer }

    mutating func send(_ count: Int) throws {
      let rows = RetrainWorld.rows(5_000 + sent..<5_000 + sent + count, kind: .everyday)
      let records = try rows.enumerated().map { place, row in
        OutputRecord(
          topic: "in", partition: Partition(Int32((sent + place) % 2)), key: nil,
          value: Array(
            try JSONEncoder().encode(["id": "\(sent + place)", "prompt": row.prompt])))
      }
      try producer.send(records, timeout: .seconds(30))
      try producer.flush(timeout: .seconds(30))
      sent += count
    }
  }

  /// All verdicts, once the new model has judged and nothing is outstanding.
  private func verdicts(
    _ world: RetrainWorld, _ traffic: inout Traffic, until name: String, log: () -> String
  ) async throws -> [Verdict] {
    let reader = try reader(world, of: "verdicts")
    var decoder = VerdictDecoder()
    var verdicts: [Verdict] = []
    var sent = traffic.sent
    let sentMax = sent + 2_000
    var isSwapped = false
    repeat {
      try receive(from: reader, log: log) { records in
        for record in records {
          verdicts.append(try decoder.decode(record.value ?? [], as: .json))
        }
        return verdicts.count >= sent
      }
      isSwapped = verdicts.contains { $0.model.hasPrefix(name) }
      if !isSwapped {
        usleep(100_000)  // sleeps: a trickle of traffic
        try traffic.send(10)
        sent = traffic.sent
        try #require(sent < sentMax, "the new model never judged: \(log())")
      }
    } while !isSwapped
    return verdicts
  }

  private func check(_ verdicts: [Verdict], sent: Int, old: String, new: String) {
    #expect(verdicts.count == sent)
    #expect(Set(verdicts.map(\.id)) == Set((0..<sent).map { "\($0)" }), "lost or repeated")
    for partition in 0..<Int32(2) {
      let own = verdicts.filter { $0.source?.partition == Partition(partition) }
      let offsets = own.compactMap { $0.source?.offset.rawValue }
      #expect(offsets == offsets.sorted())
    }
    #expect(verdicts.allSatisfy { $0.model.hasPrefix(old) || $0.model.hasPrefix(new) })
    #expect(verdicts.contains { $0.model.hasPrefix(old) })
  }

  private func reader(_ world: RetrainWorld, of topic: String) throws -> KafkaConsumer {
    let consumer = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": world.bootstrapServers,
        "group.id": "test-\(UInt32.random(in: 0 ... .max))", "auto.offset.reset": "earliest",
      ]))
    try consumer.subscribe(to: [topic])
    return consumer
  }

  private struct TimeIsUp: Error {
    let log: String
  }

  private func receive(
    from consumer: KafkaConsumer, log: () -> String, until isEnough: ([InputRecord]) throws -> Bool
  ) throws {
    let end = ContinuousClock.now + .seconds(180)
    while true {
      if ContinuousClock.now > end { throw TimeIsUp(log: log()) }
      var records: [InputRecord] = []
      try consumer.poll(into: &records, max: 500, timeout: .milliseconds(50)) { _ in }
      if try isEnough(records) { return }
    }
  }
}
