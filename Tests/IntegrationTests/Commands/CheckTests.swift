import Foundation
import TestSupport
import Testing

@Suite struct CheckTests {
  private let directory: TemporaryDirectory
  private var file: String { directory.path + "/sluice.yaml" }

  init() throws { directory = try TemporaryDirectory() }

  /// Settings of a daemon that has neither brokers nor a model.
  private let unreachable = """
    kafka: {bootstrap_servers: "127.0.0.1:1"}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: /none}
    """

  private func check(_ settings: String, _ options: [String] = []) throws -> Command {
    try Data(settings.utf8).write(to: URL(filePath: file))
    return try Command(["check", "--config", file] + options)
  }

  @Test func theExampleHasNoMistakes() throws {
    let run = try Command(["check", "--config", SourceTree.url("config/sluice.yaml").path])
    #expect(run.ending == .exited(0), "\(run.error)")
    #expect(run.output.contains("no mistakes"))
  }

  @Test func everyMistakeHasItsPlace() throws {
    let run = try check(
      """
      kafka: {bootstrap_servers: "127.0.0.1:1", colour: red}
      topics: {input: in, verdicts: verdicts, dead_letters: dead}
      model: {path: /m}
      batch: {records_max: -1}
      """)
    #expect(run.ending == .exited(78))
    #expect(run.error.contains("\(file):1:43: kafka.colour"), "\(run.error)")
    #expect(run.error.contains("\(file):4:22: batch.records_max"), "\(run.error)")
    #expect(run.error.contains("2 mistakes in \(file)"))
    #expect(run.output.isEmpty)
  }

  @Test func aFileThatIsNotThereIsSaid() throws {
    let run = try Command(["check", "--config", "/none.yaml"])
    #expect(run.ending == .exited(78))
    #expect(run.error.contains("/none.yaml"))
  }

  @Test(arguments: [["check"], ["serve"], ["label"], ["dead-letter", "list"]])
  func propertiesOfWhichThereIsNoClientAreFoundOffline(command: [String]) throws {
    let label = "\nlabel: {store: \(directory.path)/l.sqlite, teacher: {url: 'http://127.0.0.1:1'}}"
    let properties = "properties: {security.protocol: ssl, ssl.ca.location: /none/ca.pem}"
    let settings = unreachable.replacing(":1\"}", with: ":1\", \(properties)}") + label
    try Data(settings.utf8).write(to: URL(filePath: file))
    let run = try Command(command + ["--config", file])
    #expect(run.ending == .exited(78), "\(run.error)")
    #expect(
      run.error.contains(
        "\(file):1:97: kafka.properties.ssl.ca.location: the file cannot be read"),
      "\(run.error)")
  }

  @Test func whatAPatternMatchesAndNoTopicCanBeCalledIsFoundOffline() throws {
    let run = try check(unreachable.replacing("input: in", with: "input: '^(v|d)', clean: 'v/x'"))
    #expect(run.ending == .exited(78))
    for key in ["verdicts", "dead_letters"] {
      #expect(
        run.error.contains("topics.\(key): is also an input topic: ^(v|d) matches it"),
        "\(run.error)")
    }
    #expect(run.error.contains("topics.clean: is no name of a topic"), "\(run.error)")
  }

  @Test func variablesComeFromTheEnvironmentAndTheirValuesStayThere() throws {
    let settings = unreachable.replacing("127.0.0.1:1", with: "${TEST_BROKERS}")
    try Data((settings + "\nbatch: {records_max: '${TEST_COUNT}'}").utf8).write(
      to: URL(filePath: file))
    let run = try Command(
      ["check", "--config", file],
      environment: ["TEST_BROKERS": "127.0.0.1:1", "TEST_COUNT": "hunter2"])
    #expect(run.ending == .exited(78))
    #expect(run.error.contains("batch.records_max: "), "\(run.error)")
    #expect(run.error.contains("${TEST_COUNT}"), "\(run.error)")
    #expect(!run.error.contains("hunter2"), "\(run.error)")
  }

  @Test func aStrategyThatStaticMembersCannotHaveIsAWarning() throws {
    let properties = "consumer_properties: {partition.assignment.strategy: cooperative-sticky}"
    let fixed = unreachable.replacing(
      ":1\"}", with: ":1\", group_instance_id: a, \(properties)}")
    let run = try check(fixed)
    #expect(run.ending == .exited(0), "\(run.error)")
    #expect(run.output.contains("no mistakes"))
    #expect(
      run.error.hasPrefix(
        "\(file):1:118: kafka.consumer_properties.partition.assignment.strategy: warning: with "),
      "\(run.error)")
    let dynamic = try check(fixed.replacing("group_instance_id: a, ", with: ""))
    #expect(dynamic.ending == .exited(0))
    #expect(dynamic.error.isEmpty, "\(dynamic.error)")
  }

  @Test func offlineNothingIsAsked() throws {
    let run = try check(unreachable)
    #expect(run.ending == .exited(0), "\(run.error)")
  }

  @Test func whatCannotBeReachedIsSaid() throws {
    let run = try check(unreachable, ["--connect"])
    guard case .exited(let code) = run.ending else {
      Issue.record("\(String(describing: run.ending))")
      return
    }
    #expect([66, 69].contains(code), "\(code): \(run.error)")
    #expect(!run.error.isEmpty)
  }

  @Test(.enabled(if: !NoidaBroker.isSkipped)) func whatIsThereIsSaid() throws {
    let world = try ExchangeWorld(count: 3)
    defer { world.broker.stop() }
    let run = try check(world.settings, ["--connect"])
    #expect(run.ending == .exited(0), "\(run.error)")
    #expect(run.output.contains("no mistakes"))
    #expect(run.lines.count > 3, "\(run.output)")
    let missing = try check(
      world.settings.replacing("verdicts: verdicts", with: "verdicts: none"), ["--connect"])
    #expect(missing.ending == .exited(69), "\(missing.output)")
    #expect(missing.error.contains("none"), "\(missing.error)")
  }
}
