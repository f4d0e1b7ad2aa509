import DeadLetters
import Foundation
import Hosting
import Kafka
import Records
import Settings
import Testing
import Wire

/// Lists and replays on mock brokers, which keep time badly: `--since` is tested with a real one.
@Suite(.serialized) struct DeadLetterReplayTests {
  /// A dead-letter topic with ten letters of three kinds, and a record that is none.
  private struct Bench {
    let mock: MockCluster
    let settings: Settings
    let clients: KafkaClients

    init() throws {
      mock = try MockCluster()
      for (topic, partitions) in [("in", 2), ("other", 1), ("dead", 2), ("verdicts", 1)] {
        try mock.createTopic(topic, partitions: partitions)
      }
      settings = try Settings(
        yaml: """
          kafka: {bootstrap_servers: "\(mock.bootstrapServers)"}
          topics: {input: in, verdicts: verdicts, dead_letters: dead}
          model: {path: /nowhere}
          transaction: {timeout_milliseconds: 20000}
          """, file: "test")
      clients = try KafkaClients(settings: settings, environment: [:], events: KafkaEvents())
      try send(
        (0..<10).map { Bench.letter($0) } + [
          OutputRecord(topic: "dead", partition: Partition(0), key: nil, value: [1])
        ])
    }

    /// Letter `number` stands in the partition that its source had.
    static func letter(_ number: Int, headers: [Header] = []) -> OutputRecord {
      let reasons: [DeadLetterReason] = [.malformed, .poison, .tooLarge]
      let reason = reasons[number % 3]
      let letter = DeadLetter(
        reason: reason, detail: "byte 7",
        source: SourcePosition(topic: "in", partition: Int32(number % 2), offset: Int64(number)))
      let isOmitted = reason == .tooLarge && number % 2 == 0
      return OutputRecord(
        topic: "dead", partition: Partition(Int32(number % 2)), key: Array("k\(number)".utf8),
        value: isOmitted ? nil : Array("secret \(number)".utf8),
        headers: [Header("trace", "t\(number)")] + headers + letter.headers
          + [Header("sluice-timestamp", "\(number)")]
          + (isOmitted ? [.payloadOmitted] : []))
    }

    func send(_ records: [OutputRecord]) throws {
      let producer = try clients.makeProducer(messageTimeout: .seconds(20))
      try producer.send(records, timeout: .seconds(20))
      try producer.flush(timeout: .seconds(20))
    }

    func records(of topic: String) throws -> [InputRecord] {
      var records: [InputRecord] = []
      try clients.makeTopicReader(of: [topic], from: .beginning).readAll(idleMax: .seconds(20)) {
        records += $0
      }
      return records
    }

    func replay(
      _ selection: LetterSelection = LetterSelection(), to target: String? = nil,
      isDryRun: Bool = false, batchRecordsMax: Int = 500,
      shouldStop: @escaping () -> Bool = { false }
    ) -> DeadLetterReplay.Result {
      var replay = DeadLetterReplay(
        clients: clients, topic: "dead", target: target, isDryRun: isDryRun,
        shouldStop: shouldStop)
      replay.batchRecordsMax = batchRecordsMax
      return replay.run(selection)
    }
  }

  @Test func aListShowsWhatHeadersTell() throws {
    let bench = try Bench()
    var letters: [StoredLetter] = []
    let figures = try DeadLetterTopic(clients: bench.clients, topic: "dead").read(
      LetterSelection(reasons: [.malformed, .tooLarge]),
      { (stored) throws(DeadLetterFailure) in
        letters.append(stored)
        return true
      }, failure: { $0 })
    #expect(figures.selected == 7)
    #expect(figures.passed == 3)
    #expect(figures.foreign == 1)
    #expect(
      Set(letters.map(\.letter.source.offset.rawValue)) == [0, 2, 3, 5, 6, 8, 9] as Set<Int64>)
    for stored in letters {
      #expect(stored.letter.detail == "byte 7")
      #expect(stored.letter.source.topic == "in")
      #expect(stored.replays == 0)
      #expect(stored.lacksPayload == (stored.record.value == nil))
    }
  }

  @Test func everythingGoesBackAsItCame() throws {
    let bench = try Bench()
    let result = bench.replay()
    #expect(result.failure == nil)
    #expect(result.figures.selected == 10)
    #expect(result.replayed == ["in": 8])
    #expect(result.withoutPayload == 2)
    #expect(result.transactions == 1)
    #expect(result.replaysMax == 1)
    let records = try bench.records(of: "in")
    #expect(
      Set(records.compactMap(\.key)) == Set([0, 1, 3, 4, 5, 6, 7, 9].map { Array("k\($0)".utf8) }))
    for record in records {
      let number = String(decoding: (record.key ?? []).dropFirst(), as: UTF8.self)
      #expect(record.value == Array("secret \(number)".utf8))
      #expect(
        record.headers == [
          Header("trace", "t\(number)"), Header("sluice-replayed", "1"),
          Header("sluice-timestamp", "\(number)"),
        ])
      #expect(record.source.partition.rawValue == (Int32(number) ?? 0) % 2)
    }
    for partition in 0..<Int32(2) {
      let keys = records.filter { $0.source.partition.rawValue == partition }
        .sorted { $0.source.offset < $1.source.offset }.compactMap(\.key)
      #expect(keys == keys.sorted { $0.lexicographicallyPrecedes($1) }, "the order survives")
    }
  }

  @Test func reasonsLimitTargetAndBatchesAreMinded() throws {
    let bench = try Bench()
    let result = bench.replay(
      LetterSelection(reasons: [.malformed], limit: 3), to: "other", batchRecordsMax: 2)
    #expect(result.replayed == ["other": 3])
    #expect(result.transactions == 2)
    let records = try bench.records(of: "other")
    #expect(records.count == 3)
    #expect(records.allSatisfy { $0.source.partition == Partition(0) }, "other has only one")
    #expect(try bench.records(of: "in").isEmpty)
  }

  @Test func aDryRunSendsNothing() throws {
    let bench = try Bench()
    let result = bench.replay(isDryRun: true)
    #expect(result.replayed == ["in": 8])
    #expect(result.transactions == 0)
    #expect(try bench.records(of: "in").isEmpty)
  }

  @Test func loopsShow() throws {
    let bench = try Bench()
    try bench.send([Bench.letter(12, headers: [Header("sluice-replayed", "4")])])
    let result = bench.replay()
    #expect(result.replaysMax == 5)
    let counts = try bench.records(of: "in").map { $0.headers.replays }
    #expect(counts.filter { $0 == 1 }.count == 8)
    #expect(counts.filter { $0 == 5 }.count == 1)
  }

  @Test func aMissingTopicIsAFailureAndNothingIsSent() throws {
    let bench = try Bench()
    let result = bench.replay(to: "missing")
    #expect(
      result.failure == .unavailable("missing topics: missing (or this user may not see them)"))
    #expect(result.replayed.isEmpty)
  }

  @Test func whatTheBrokerRefusesIsCountedAndTheRestIsSent() throws {
    let bench = try Bench()
    bench.mock.failNext(
      .produce, with: [.messageSizeTooLarge, .messageSizeTooLarge])
    let result = bench.replay(LetterSelection(reasons: [.poison], limit: 1))
    #expect(result.refused == 1)
    #expect(result.replayed.isEmpty)
    #expect(result.failure == nil)
    // How many of the answers one letter takes depends on how its batch was cut into requests.
    bench.mock.clearFailures(of: .produce)
    let second = bench.replay(LetterSelection(reasons: [.poison]))
    #expect(second.replayed == ["in": 3])
  }

  @Test func aReplayThatIsStoppedEndsBetweenLettersAndSendsNoPartOfABatch() throws {
    let bench = try Bench()
    var asked = 0
    let result = bench.replay(
      batchRecordsMax: 2,
      shouldStop: {
        asked += 1
        return asked > 3
      })
    #expect(result.wasStopped)
    #expect(result.replayed == ["in": 2])
    #expect(try bench.records(of: "in").count == 2)
  }
}
