import Foundation
import Hosting
import Kafka
import Sections
import Settings
import TestSupport
import Testing

/// Whether properties fit together, as a client without brokers tells.
@Suite struct KafkaTrialTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func settings(
    _ tables: String, _ environment: [String: String] = [:], rest: String = ""
  ) throws -> Settings {
    try Settings(
      yaml: """
        kafka: {bootstrap_servers: "127.0.0.1:1", \(tables)}
        topics: {input: i, verdicts: v}
        model: {path: /m}
        \(rest)
        """, file: "s", environment: environment)
  }

  private func mistakes(
    _ tables: String, _ environment: [String: String] = [:]
  ) throws -> [String] {
    KafkaClients.mistakes(in: try settings(tables, environment), environment: environment)
      .map(\.description)
  }

  private func file(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: URL(filePath: directory.path + "/" + name))
    return directory.path + "/" + name
  }

  @Test(arguments: [
    "", "properties: {client.rack: a}", "properties: {security.protocol: ssl}",
    "properties: {security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512, "
      + "sasl.username: u, sasl.password: p}",
    "properties: {sasl.mechanism: NONE}, group_instance_id: a",
    "properties: {ssl.ca.location: probe, security.protocol: ssl}",
    "consumer_properties: {partition.assignment.strategy: cooperative-sticky}",
  ])
  func whatFitsTogetherIsRight(tables: String) throws {
    #expect(try mistakes(tables) == [])
    _ = try KafkaClients(settings: settings(tables), environment: [:])
  }

  @Test(arguments: [
    ("properties: {security.protocol: ssl, ssl.ca.location: /none/ca.pem}", "s:1:97"),
    ("consumer_properties: {security.protocol: ssl, ssl.key.location: /none/k}", "s:1:107"),
    ("producer_properties: {ssl.certificate.location: /none/c}", "s:1:91"),
  ])
  func aFileThatIsNotThereHasItsPlace(tables: String, place: String) throws {
    let found = try mistakes(tables)
    #expect(found.count == 1)
    #expect(found.first?.hasPrefix(place) == true, "\(found)")
    #expect(found.first?.hasSuffix(": the file cannot be read") == true, "\(found)")
  }

  @Test(arguments: ["ssl.ca.location", "ssl.key.location", "ssl.certificate.location"])
  func aFileThatIsNoKeyIsNamedByItsProperty(property: String) throws {
    let path = try file("garbage.pem", "no key at all")
    let found = try mistakes("properties: {security.protocol: ssl, \(property): \(path)}")
    #expect(found.count == 1)
    #expect(found.first?.contains("kafka.properties.\(property): ") == true, "\(found)")
  }

  @Test(arguments: [
    ("properties: {security.protocol: sasl_ssl, sasl.mechanism: SCRAM-SHA-512}", "sasl.username"),
    ("properties: {security.protocol: sasl_ssl, sasl.mechanism: MADE-UP}", "sasl.mechanism"),
    (
      "consumer_properties: {fetch.min.bytes: 1, security.protocol: sasl_ssl, "
        + "sasl.mechanism: SCRAM-SHA-512}", "sasl.mechanism: sasl.username"
    ),
    ("producer_properties: {acks: 1}", "acks"),
    ("consumer_properties: {session.timeout.ms: 20000, max.poll.interval.ms: 15000}", "poll"),
  ])
  func whatContradictsItselfIsRefused(tables: String, word: String) throws {
    let found = try mistakes(tables)
    #expect(!found.isEmpty)
    #expect(found.allSatisfy { $0.hasPrefix("s:1:") && $0.contains(word) }, "\(found)")
    let failure = try #require(throws: StartFailure.self) {
      try KafkaClients(settings: settings(tables), environment: [:])
    }
    #expect(failure == .configuration(found.joined(separator: "\n")))
    #expect(failure.exitStatus.rawValue == 78)
  }

  @Test func theConsumersMistakesAndTheProducersAreFoundAtOnce() throws {
    let found = try mistakes(
      "consumer_properties: {session.timeout.ms: 20000, max.poll.interval.ms: 15000}, "
        + "producer_properties: {acks: 1}")
    #expect(found.count == 2)
  }

  @Test func secretsThatCannotBeReadAreMistakesAndThoseOfAUnitAreNot() throws {
    let scram = "properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: u}"
    let password = try file("password", "hunter2\n")
    #expect(try mistakes("\(scram), secrets: {sasl.password: \(password)}") == [])
    let missing = try mistakes("\(scram), secrets: {sasl.password: /none}")
    #expect(missing == ["s:1:152: kafka.secrets.sasl.password: the file cannot be read"])
    let ofUnit = "\(scram), secrets: {sasl.password: $CREDENTIALS_DIRECTORY/password}"
    #expect(try mistakes(ofUnit) == [])
    #expect(try mistakes(ofUnit, ["CREDENTIALS_DIRECTORY": directory.path]) == [])
    #expect(try mistakes(ofUnit, ["CREDENTIALS_DIRECTORY": "/none"]).count == 1)
    let failure = try #require(throws: StartFailure.self) {
      try KafkaClients(settings: settings(ofUnit), environment: [:])
    }
    #expect(failure.description.contains("LoadCredential="))
    let key = "secrets: {ssl.key.password: $CREDENTIALS_DIRECTORY/k}"
    let pem = try file("key.pem", "encrypted")
    let encrypted = "properties: {security.protocol: ssl, ssl.key.location: \(pem)}, \(key)"
    #expect(try mistakes(encrypted) == [])
  }

  @Test func noMessageRepeatsASecret() throws {
    let tables = "properties: {security.protocol: sasl_ssl, sasl.mechanism: \"${M}\"}"
    let found = try mistakes(tables, ["M": "HUNTER2"])
    #expect(!found.isEmpty)
    #expect(!found.joined().contains("HUNTER2"), "\(found)")
  }
}
