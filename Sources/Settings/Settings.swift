internal import Foundation
package import Kafka
package import Pipeline
package import Sections
package import Wire

/// All settings of the daemon. `config/sluice.yaml` documents each key and its default.
package struct Settings: Hashable, Sendable {
  package var kafka: KafkaSettings
  /// The topics that are read.
  package var inputTopics: [String]
  package var outputTopics: OutputTopics
  /// Receives a copy of each exchange that a challenger would have decided otherwise; nil for none.
  package var disagreementsTopic: String?
  package var delivery: Delivery
  package var wire: WireSettings
  package var model: ModelSettings
  /// A second model that is watched but decides nothing; nil for none.
  package var shadow: ShadowSettings?
  package var engine: EngineSettings
  package var cache: CacheSettings
  package var limits: StreamLimits
  /// How long one transaction may take before it is given up.
  package var transactionTimeoutMilliseconds: Int
  /// Threads that decode and tokenize; 0 for one per four cores.
  package var preparationThreads: Int
  package var drainTimeoutMilliseconds: Int
  package var policies: PolicyBook
  package var telemetry: TelemetrySettings
  /// Where `sluice reload` is heard: a path, or `none`; nil takes the unit's runtime folder.
  package var controlSocket: String?
  /// Without a commit for that long, while records wait, the watchdog is no longer fed.
  package var watchdogStallSeconds: Int
  /// The labelling service; nil when the file says nothing of it.
  package var label: LabelSettings?
  /// The retrain job; nil when the file says nothing of it.
  package var retrain: RetrainSettings?

  /// All topics that the filter reads or writes.
  package var allTopics: [String] { inputTopics + writtenTopics }

  /// All topics that the filter writes.
  package var writtenTopics: [String] {
    outputTopics.all + [disagreementsTopic].compactMap { $0 }
  }
}

/// What is promised about each record.
package enum Delivery: String, Hashable, Sendable, CaseIterable {
  /// Outputs and offsets are one transaction.
  case exactlyOnce = "exactly_once"
  /// Outputs first, then offsets: a crash in between repeats outputs.
  case atLeastOnce = "at_least_once"
}

extension Settings {
  /// The settings in a YAML file.
  ///
  /// - Throws: `SettingsError` with every mistake in the file, each with its place.
  package init(
    file: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(SettingsError) {
    let collector = ProblemCollector(file: file)
    try self.init(
      yaml: SettingsDocument.read(file, collector), file: file, environment: environment)
  }

  /// The settings in a YAML text; `file` names it in problems.
  package init(
    yaml: String, file: String, environment: [String: String] = [:]
  ) throws(SettingsError) {
    let collector = ProblemCollector(file: file)
    let root = SettingsDocument.compose(yaml, collector, environment: environment)
    let reader = SectionReader(root, path: "", problems: collector)
    if let error = collector.error { throw error }
    self.init(reader)
    reader.finish()
    if let error = collector.error { throw error }
  }

  /// Reads all sections of a file; the caller calls `finish`.
  package init(_ root: SectionReader) {
    kafka = KafkaSettings(root.section("kafka"))
    let topics = root.section("topics")
    inputTopics = topics.requiredTexts("input", problem: TopicNames.problem(withInput:))
    outputTopics = OutputTopics(
      verdicts: topics.requiredText("verdicts"),
      deadLetters: topics.text("dead_letters", default: "chat.dead-letters"),
      clean: topics.optionalText("clean"), quarantine: topics.optionalText("quarantine"),
      keepsTimestamps: topics.flag("keep_timestamps", default: false))
    disagreementsTopic = topics.optionalText("disagreements")
    delivery = root.choice("delivery", default: .exactlyOnce)
    wire = WireSettings(root.section("wire"))
    model = ModelSettings(root.section("model"))
    shadow = ShadowSettings(root.section("shadow"))
    engine = EngineSettings(root.section("engine"))
    cache = CacheSettings(root.section("cache"))
    limits = StreamLimits(root)
    let transaction = root.section("transaction")
    limits.readTransaction(transaction)
    transactionTimeoutMilliseconds = transaction.number(
      "timeout_milliseconds", default: 10_000, in: 100...900_000)
    transaction.finish()
    preparationThreads = root.number("preparation_threads", default: 0, in: 0...1024)
    drainTimeoutMilliseconds = root.number(
      "drain_timeout_milliseconds", default: 10_000, in: 0...3_600_000)
    policies = PolicyBook(root)
    telemetry = TelemetrySettings(root.section("telemetry"))
    controlSocket = root.optionalText("control_socket")
    watchdogStallSeconds = root.number("watchdog_stall_seconds", default: 60, in: 1...86_400)
    label = LabelSettings(optional: root)
    retrain = RetrainSettings(optional: root)
    if retrain != nil, label == nil {
      root.complain("needs the section label, whose topic it learns from", about: "retrain")
    }
    checkTopics(topics, root)
    topics.finish()
    checkTimeouts(root)
  }

  /// Outputs must not be read again as inputs, nor verdicts mixed with anything else.
  private func checkTopics(_ topics: SectionReader, _ root: SectionReader) {
    let outputs = [
      ("verdicts", outputTopics.verdicts), ("dead_letters", outputTopics.deadLetters),
      ("clean", outputTopics.clean), ("quarantine", outputTopics.quarantine),
      ("disagreements", disagreementsTopic),
    ]
    var seen: [String: String] = [:]
    for (key, name) in outputs {
      guard let name, !name.isEmpty else { continue }
      checkOutput(name, key, of: topics, topics)
      if let other = seen[name] { topics.complain("is the same topic as \(other)", about: key) }
      seen[name] = key
    }
    guard let label else { return }
    let section = root.section("label")
    if writtenTopics.contains(label.topic) {
      section.complain("is a topic of the filter", about: "topic")
    }
    checkOutput(label.topic, "topic", of: section, topics)
    if label.groupID == kafka.groupID {
      section.complain("must differ from kafka.group_id", about: "group_id")
    }
  }

  /// A topic that exists later counts like one that is there.
  private func checkOutput(
    _ name: String, _ key: String, of section: SectionReader, _ topics: SectionReader
  ) {
    if let problem = TopicNames.problem(withName: name) {
      section.complain(problem, about: key)
    } else if inputTopics.contains(name) {
      section.complain("is also an input topic", about: key)
    } else if let pattern = inputTopics.first(where: { TopicNames.input($0, matches: name) }) {
      let shown = topics.isSecret("input") ? "a pattern" : pattern
      section.complain("is also an input topic: \(shown) matches it", about: key)
    }
  }

  /// Draining happens inside a rebalance, which the group waits for only so long.
  private func checkTimeouts(_ root: SectionReader) {
    if drainTimeoutMilliseconds >= kafka.value(of: "max.poll.interval.ms", default: 300_000) {
      root.complain(
        "must be less than max.poll.interval.ms, 300000 by default",
        about: "drain_timeout_milliseconds")
    }
  }
}

extension KafkaSettings {
  fileprivate func value(of property: String, default standard: Int) -> Int {
    let set = (properties + consumerProperties).last { $0.name == property }
    return set.flatMap { Int($0.value) } ?? standard
  }
}
