import Foundation
import Kafka
import Records
import TestSupport
import Testing

/// The commands of `sluice dead-letter` on what the daemon could not judge.
@Suite(.enabled(if: !NoidaBroker.isSkipped), .serialized) struct DeadLetterCommandTests {
  /// A broker with nine exchanges, of which three cannot be read, and the settings for it.
  private func prepare() throws -> (ExchangeWorld, TemporaryDirectory, String) {
    let world = try ExchangeWorld(count: 6)
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: world.broker.bootstrapServers))
    let records = (0..<3).map { number in
      OutputRecord(
        topic: "in", partition: Partition(Int32(number)), key: Array("bad-\(number)".utf8),
        value: Array("zebra \(number)".utf8))
    }
    try producer.send(records, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
    let daemon = try DaemonProcess(settings: world.settings)
    let reader = try world.reader(isolation: "read_uncommitted")
    var outputs: [InputRecord] = []
    try world.poll(reader, into: &outputs) { $0.count >= 9 }
    #expect(daemon.process.stop(within: .seconds(30)) == .exited(0), "\(daemon.log)")
    let directory = try TemporaryDirectory()
    let file = directory.path + "/sluice.yaml"
    try Data(world.settings.utf8).write(to: URL(filePath: file))
    return (world, directory, file)
  }

  @Test func lettersAreListedAndSentAgain() throws {
    let (world, directory, file) = try prepare()
    defer { world.broker.stop() }
    defer { withExtendedLifetime(directory) {} }

    let list = try Command(["dead-letter", "list", "--config", file])
    #expect(list.ending == .exited(0), "\(list.error)")
    #expect(list.lines.count == 4 && list.lines[0].hasPrefix("TIME"), "\(list.output)")
    #expect(list.error.contains("3 dead letters, 0 left out"), "\(list.error)")
    #expect(!list.output.contains("zebra"))

    let json = try Command(["dead-letter", "list", "--config", file, "--json", "--limit", "2"])
    let letters = try json.objects()
    #expect(letters.count == 2, "\(json.error)")
    #expect(letters.allSatisfy { $0["reason"] as? String == "malformed" })
    #expect(letters.allSatisfy { $0["payload_bytes"] as? Int == 7 && $0["key_bytes"] as? Int == 5 })
    #expect(letters.allSatisfy { ($0["source"] as? [String: Any])?["topic"] as? String == "in" })

    let none = try Command(["dead-letter", "list", "--config", file, "--reason", "poison"])
    #expect(none.error.contains("0 dead letters, 3 left out"), "\(none.error)")

    let replay = ["dead-letter", "replay", "--config", file, "--since", "1h"]
    let trial = try Command(replay + ["--dry-run"])
    #expect(trial.ending == .exited(0), "\(trial.error)")
    #expect(trial.output == "would replay 3 of 3 dead letters that were asked for\n  3 to in\n")

    let sent = try Command(replay)
    #expect(sent.ending == .exited(0), "\(sent.error)")
    #expect(sent.output.hasPrefix("replayed 3 of 3 dead letters that were asked for\n  3 to in\n"))
  }

  @Test(
    arguments: [
      (["list", "--reason", "none"], 64, "there is no reason none"),
      (["list", "--limit", "0"], 64, "--limit"),
      (["list", "--since", "yesterday"], 64, "--since"),
      (["replay", "--topic", "dead"], 64, "dead-letter topic itself"),
      (["list", "--since", "2026-11-24", "--config", "/none.yaml"], 78, "/none.yaml"),
      (["replay", "--since", "2026-11-24T09:30:00Z"], 69, "Broker transport failure"),
    ] as [([String], Int32, String)])
  func whatCannotBeDoneIsSaid(arguments: [String], code: Int32, words: String) throws {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/sluice.yaml"
    try Data(
      """
      kafka: {bootstrap_servers: "127.0.0.1:1"}
      topics: {input: in, verdicts: verdicts, dead_letters: dead}
      model: {path: /m}
      """.utf8
    ).write(to: URL(filePath: file))
    let config = arguments.contains("--config") ? [] : ["--config", file]
    let run = try Command(["dead-letter"] + arguments + config)
    #expect(run.ending == .exited(code), "\(run.error)")
    #expect(run.error.contains(words), "\(run.error)")
  }
}
