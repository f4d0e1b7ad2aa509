import Kafka
import Synchronization
import Testing

@Suite(.ownThread) struct ConfigurationTests {
  @Test func anUnknownPropertyIsNamedAndItsValueIsNot() throws {
    var configuration = KafkaConfiguration(bootstrapServers: "localhost:1")
    configuration["no.such.thing"] = "hunter2"
    let error = try #require(throws: KafkaError.self) { try KafkaProducer(configuration) }
    #expect(error.operation == .configure)
    #expect(error.message == "unknown property \"no.such.thing\"")
    #expect(error.disposition == .fatal)
  }

  @Test func aBadValueNamesItsPropertyOnly() throws {
    let configuration = KafkaConfiguration(["session.timeout.ms": "hunter2", "group.id": "g"])
    let error = try #require(throws: KafkaError.self) { try KafkaConsumer(configuration) }
    #expect(error.message == "bad value for property \"session.timeout.ms\"")
  }

  /// The library frees a part of the configuration with the client that fails; to free it again
  /// ended the process.
  @Test func clientsThatCannotBeMadeDoNoHarm() throws {
    let unfit = KafkaConfiguration([
      "security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512", "group.id": "g",
    ])
    for _ in 0..<5 {
      for make in [{ _ = try KafkaConsumer(unfit) }, { _ = try KafkaProducer(unfit) }] {
        let error = try #require(throws: KafkaError.self, performing: make)
        #expect(error.code == .invalidArgument)
        #expect(error.message.contains("sasl.username"))
      }
    }
  }

  @Test func propertiesThatContradictEachOtherAreRefused() throws {
    let configuration = KafkaConfiguration(["transactional.id": "t", "acks": "1"])
    let error = try #require(throws: KafkaError.self) { try KafkaProducer(configuration) }
    #expect(error.operation == .createClient)
    #expect(error.message.contains("acks"))
  }

  @Test func theLastValueOfANameWinsAndNilRemovesIt() {
    var configuration = KafkaConfiguration(["a": "1", "b": "2", "a": "3"])
    #expect(configuration.properties.map(\.name) == ["a", "b"])
    #expect(configuration["a"] == "3")
    configuration["a"] = nil
    #expect(configuration.properties.map(\.name) == ["b"])
  }

  @Test func aConsumerWithoutAGroupIsRefused() throws {
    let error = try #require(throws: KafkaError.self) {
      try KafkaConsumer(KafkaConfiguration(bootstrapServers: "localhost:1"))
    }
    #expect(error.message.contains("group.id"))
  }

  @Test func logErrorsAndStatisticsReachTheirHandlers() throws {
    let logged = Mutex<[String]>([])
    let errors = Mutex<[KafkaError]>([])
    let statistics = Mutex<[String]>([])
    let events = KafkaEvents(
      log: { level, facility, _ in logged.withLock { $0.append("\(level) \(facility)") } },
      error: { error in errors.withLock { $0.append(error) } },
      statistics: { text in statistics.withLock { $0.append(text) } })
    // Nothing listens on port 1.
    let consumer = try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": "127.0.0.1:1", "group.id": "g", "statistics.interval.ms": "20",
      ]), events: events)
    try consumer.subscribe(to: ["t"])
    let end = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < end {
      _ = try consumer.poll(timeout: .milliseconds(20)) { _ in }
      let isDone =
        logged.withLock { $0.contains("error FAIL") } && errors.withLock { !$0.isEmpty }
        && statistics.withLock { !$0.isEmpty }
      if isDone { break }
    }
    #expect(logged.withLock { $0.contains("error FAIL") })
    #expect(errors.withLock { $0.allSatisfy { $0.disposition == .retriable } })
    #expect(statistics.withLock { $0.first?.hasPrefix("{") } == true)
  }
}
