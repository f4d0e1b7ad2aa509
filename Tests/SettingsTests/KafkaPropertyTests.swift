import Kafka
import Sections
import Settings
import Testing

/// Properties of librdkafka, each looked at on its own when the file is read.
@Suite struct KafkaPropertyTests {
  private func read(_ tables: String, _ environment: [String: String] = [:]) -> (
    settings: Settings?, problems: [String]
  ) {
    let yaml = """
      kafka: {bootstrap_servers: x, \(tables)}
      topics: {input: i, verdicts: v}
      model: {path: /m}
      """
    do throws(SettingsError) {
      return (try Settings(yaml: yaml, file: "s", environment: environment), [])
    } catch {
      return (nil, error.problems.map(\.description))
    }
  }

  @Test(arguments: [
    ("sasl.mechansim: PLAIN", "unknown property of librdkafka; did you mean sasl.mechanism?"),
    ("entirely.of.ones.own: 1", "unknown property of librdkafka"),
    ("security.protocol: tls", "expected one of: plaintext, ssl, sasl_plaintext, sasl_ssl"),
    ("socket.timeout.ms: 1", "expected a whole number from 10 to 300000"),
    ("socket.timeout.ms: soon", "expected a whole number from 10 to 300000"),
    ("socket.keepalive.enable: perhaps", "expected one of: true, false"),
    // Debian builds the library without HTTP.
    ("sasl.oauthbearer.method: oidc", "is not taken by this librdkafka"),
    ("rebalance_cb: x", "is not taken by this librdkafka"),
    ("sasl.jaas.config: x", "is not taken by this librdkafka"),
    ("compression.type: ~", "has no value"), ("client.rack: [a]", "expected a plain value"),
  ])
  func whatTheLibraryDoesNotTakeHasItsPlace(property: String, message: String) {
    let found = read("properties: {\(property)}").problems
    let name = property.prefix { $0 != ":" }
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.hasPrefix("s:1:\(46 + name.count)") == true, "\(found)")
    #expect(found.first?.hasSuffix("kafka.properties.\(name): \(message)") == true, "\(found)")
  }

  @Test(arguments: [
    ("consumer_properties: {linger.ms: 5}", "is a property of producers"),
    ("consumer_properties: {acks: all}", "belongs to producer_properties"),
    ("producer_properties: {session.timeout.ms: 9000}", "belongs to consumer_properties"),
    ("secrets: {sasl.pasword: /p}", "did you mean sasl.password?"),
  ])
  func thePropertyOfAnotherClientIsAMistake(tables: String, message: String) {
    let found = read(tables).problems
    #expect(found.count == 1)
    #expect(found.first?.contains(message) == true, "\(found)")
  }

  @Test func whatBothOrTheRightClientKnowsIsTaken() {
    let found = read(
      """
      properties: {session.timeout.ms: 9000, linger.ms: 5, client.rack: "", ssl.cipher.suites: x},
      consumer_properties: {fetch.min.bytes: 1, auto.offset.reset: latest, client.rack: a},
      producer_properties: {compression.type: lz4, acks: all, socket.timeout.ms: 9000}
      """)
    #expect(found.problems == [])
  }

  @Test(arguments: [
    ("yes", "true"), ("on", "true"), ("True", "True"), ("no", "false"), ("off", "false"),
    ("'true'", "true"), ("\"${FLAG}\"", "false"),
  ])
  func aSwitchMayBeWrittenAsElsewhere(written: String, value: String) {
    let (settings, problems) = read(
      "properties: {socket.keepalive.enable: \(written)}", ["FLAG": "no"])
    #expect(problems == [])
    #expect(settings?.kafka.properties.first?.value == value)
  }

  @Test(arguments: [
    ("group_instance_id: a, consumer_properties: {partition.assignment.strategy: S}", 1),
    ("group_instance_id: a, properties: {partition.assignment.strategy: S}", 1),
    ("properties: {partition.assignment.strategy: S, group.instance.id: a}", 1),
    ("group_instance_id: a, consumer_properties: {partition.assignment.strategy: 'range,S'}", 1),
    (
      "group_instance_id: a, properties: {partition.assignment.strategy: S}, "
        + "consumer_properties: {partition.assignment.strategy: range}", 0
    ),
    ("consumer_properties: {partition.assignment.strategy: S}", 0),
    ("group_instance_id: a", 0),
  ])
  func cooperativeStaticMembersAreWarnedOf(tables: String, count: Int) {
    let found = read(tables.replacing("S", with: "cooperative-sticky"))
    #expect(found.problems == [])
    #expect(found.settings?.kafka.warnings.count == count)
  }

  @Test func aValueOfTheEnvironmentIsNotShown() {
    let found = read("properties: {security.protocol: \"${P}\"}", ["P": "hunter2"]).problems
    #expect(found.count == 1)
    #expect(found.first?.contains("(the value comes from ${P})") == true)
    #expect(found.first?.contains("hunter2") == false)
  }
}
