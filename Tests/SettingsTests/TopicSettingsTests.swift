import Sections
import Settings
import Testing

/// Names of topics and addresses of brokers that cannot exist.
@Suite struct TopicSettingsTests {
  private let least = """
    kafka: {bootstrap_servers: "localhost:9092"}
    topics: {input: chat.exchanges, verdicts: chat.verdicts}
    model: {path: /m}
    """

  private func problems(_ yaml: String) -> [String] {
    do throws(SettingsError) {
      _ = try Settings(yaml: yaml, file: "s.yaml")
      return []
    } catch {
      return error.problems.map(\.description)
    }
  }

  @Test(arguments: [
    "x", "a:9092", "a:9092,b", "a:9092, b:9093", "a:9092,", "[::1]:9092", "::1", "10.0.0.1:1",
    "SSL://a:9092", "sasl_ssl://a", "brøker:9092",
  ])
  func brokersHaveAHostAndMayHaveAPort(address: String) throws {
    let yaml = least.replacing("localhost:9092", with: address)
    #expect(try Settings(yaml: yaml, file: "s.yaml").kafka.bootstrapServers == address)
  }

  @Test(arguments: [
    "http://a:9092", "http://a:9092, b", "a:", "a:0", "a:65536", "a:port", ":9092", ",", " ",
    "a b:9092", "[::1", "[::1]9092", "a/b:9092", "$HOST:9092", "a:9092;b:9092", "a:+1", "[]:1",
  ])
  func whatIsNoAddressHasItsPlace(address: String) {
    for (value, column) in [("\"\(address)\"", 28), ("[a, \"\(address)\"]", 32)] {
      #expect(
        problems(least.replacing("\"localhost:9092\"", with: value)) == [
          "s.yaml:1:\(column): kafka.bootstrap_servers: expected host:port of each broker, "
            + "with commas between several"
        ])
    }
  }

  @Test func aListOfBrokersIsTheirAddressesWithCommas() throws {
    let yaml = least.replacing("\"localhost:9092\"", with: "[a:1, b:2]")
    #expect(try Settings(yaml: yaml, file: "s.yaml").kafka.bootstrapServers == "a:1,b:2")
  }

  @Test(arguments: [
    "chat exchanges!", "v/x", ".", "..", "ü", String(repeating: "x", count: 250), "$VERDICTS",
  ])
  func whatIsNoNameOfATopicIsAMistake(name: String) {
    for key in ["input", "verdicts", "dead_letters", "clean", "quarantine", "disagreements"] {
      let topics = key == "input" ? "verdicts: v" : key == "verdicts" ? "input: i" : ""
      let rest = topics.isEmpty ? "input: i, verdicts: v" : topics
      let found = problems(
        """
        kafka: {bootstrap_servers: x}
        topics: {\(key): "\(name)", \(rest)}
        model: {path: /m}
        """)
      #expect(found.count == 1, "\(found)")
      #expect(
        found.first?.hasPrefix("s.yaml:2:\(12 + key.count): topics.\(key): is no name of a topic")
          == true, "\(found)")
    }
    let label = problems(least + "\nlabel: {topic: '\(name)', teacher: {url: 'http://x'}}")
    #expect(label.count == 1)
    #expect(label.first?.contains("s.yaml:4:16: label.topic: is no name") == true, "\(label)")
  }

  @Test func theLongestNameAndEveryLetterOfNamesAreTaken() {
    for name in [String(repeating: "x", count: 249), "a.B_c-9", "...", "^chat\\.(a|b)$"] {
      let yaml = least.replacing("chat.exchanges", with: "['\(name)']")
      #expect(problems(yaml) == [], "\(name)")
    }
  }

  @Test func aPatternThatIsNoneHasItsPlace() {
    #expect(
      problems(least.replacing("chat.exchanges", with: "[a, '^a(']"))
        == ["s.yaml:2:21: topics.input: is no regular expression"])
  }
}
