import FilterService
import Guard
import Hosting
import Kafka
import Logging
import Records
import Settings
import Tensors
import TestSupport
import Testing
import Threading

/// A daemon whose pattern matches what it writes, as none of a settings file can.
@Suite(.serialized) struct OwnOutputTests {
  @Test func whatTheFilterWritesDoesNotExistForItsConsumer() throws {
    let cluster = try MockCluster()
    for topic in ["loop.in", "loop.verdicts", "loop.dead"] {
      try cluster.createTopic(topic, partitions: 1)
    }
    var settings = try Settings(
      yaml: """
        kafka: {bootstrap_servers: "\(cluster.bootstrapServers)"}
        topics: {input: loop.in, verdicts: loop.verdicts, dead_letters: loop.dead}
        model: {path: \(GoldenCase.url("v3-style").path)}
        """, file: "test")
    settings.inputTopics = ["^loop"]
    let clients = try KafkaClients(settings: settings, environment: [:])
    let model = try GuardModel(settings: settings.model, pool: WorkerPool(workers: 1))
    let daemon = try FilterDaemon(
      settings: settings, guard: LiveModel(model), clients: clients,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    let stream = BlockingThread(name: "stream") { _ = daemon.run() }
    defer {
      daemon.stop()
      stream.join()
    }
    let producer = try clients.makeProducer(messageTimeout: .seconds(20))
    let reader = try clients.makeReader(of: ["loop.verdicts", "loop.dead"])
    var records: [InputRecord] = []
    // The second one comes after verdicts are there to be read again.
    for count in 1...2 {
      try producer.send(
        [
          OutputRecord(
            topic: "loop.in", partition: nil, key: nil, value: Array(#"{"prompt": "a"}"#.utf8))
        ],
        timeout: .seconds(20))
      try producer.flush(timeout: .seconds(20))
      let isThere = comesAbout {
        try? reader.poll(into: &records, max: 500, timeout: .milliseconds(20)) { _ in }
        return records.count >= count
      }
      #expect(isThere)
    }
    #expect(Set(daemon.snapshot.assigned.map(\.topic)) == ["loop.in"])
    #expect(records.map(\.source.topic) == ["loop.verdicts", "loop.verdicts"])
  }
}
