import Basics
import Foundation
import Kafka
import LabelService
import LabelStore
import LanguageModel
import Logging
import Records
import Settings
import TestSupport
import Threading
import Wire

/// Mock brokers with the service's topics, and a store.
final class LabelBench: Sendable {
  static let partitionCount = 2
  let labelsTopic = "labels"
  let store: LabelStore
  private let cluster: MockCluster
  private let directory: TemporaryDirectory
  private let settings: Settings
  let label: LabelSettings

  /// Something did not come true in time.
  struct TimeIsUp: Error {}

  init(
    drainMilliseconds: Int = 10_000, sampling: String = "{random_rate: 1}",
    teacher: String = #"{url: "http://127.0.0.1:1"}"#, requestsPerHour: Int = 1_000,
    inputs: [String] = ["in"]
  ) async throws {
    cluster = try MockCluster()
    for topic in ["in", "verdicts", "disagreements", labelsTopic] {
      try cluster.createTopic(topic, partitions: Self.partitionCount)
    }
    directory = try TemporaryDirectory()
    let yaml = """
      kafka:
        bootstrap_servers: \(cluster.bootstrapServers)
        consumer_properties: {session.timeout.ms: 6000, heartbeat.interval.ms: 200}
      topics: {input: in, verdicts: verdicts, disagreements: disagreements}
      model: {path: /nowhere}
      drain_timeout_milliseconds: \(drainMilliseconds)
      label:
        topic: \(labelsTopic)
        store: \(directory.path)/labels.sqlite
        teacher: \(teacher)
        requests_per_hour: \(requestsPerHour)
        sampling: \(sampling)
      """
    var settings = try Settings(yaml: yaml, file: "bench")
    settings.inputTopics = inputs
    self.settings = settings
    guard let label = settings.label else { throw TimeIsUp() }
    self.label = label
    store = try LabelStore(path: label.store)
  }

  static func prompt(_ number: Int) -> String {
    "prompt number \(number)" + String(repeating: "!", count: number % 3)
  }

  /// Runs a service until `until` has returned, and stops it.
  func run(
    _ teacher: any Teacher, inspect: (LabelDaemon) -> Void = { _ in },
    until: () throws -> [TeacherLabel]
  ) async throws -> [TeacherLabel] {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let daemon = try LabelDaemon(
      settings: settings, label: label, environment: [:], store: store, teacher: teacher,
      logger: logger)
    let thread = BlockingThread(name: "label") { _ = daemon.run() }
    return try await onThreadOfItsOwn {
      defer {
        daemon.stop()
        thread.join()
      }
      let labels = try until()
      try wait { daemon.progress.waitingSince == nil }
      inspect(daemon)
      return labels
    }
  }

  /// Sends exchanges, and the verdicts that a filter would give.
  func send(_ numbers: Range<Int>) throws {
    let encoder = VerdictEncoder()
    var offsets = [Int64](repeating: 0, count: Self.partitionCount)
    var exchanges: [OutputRecord] = []
    var verdicts: [OutputRecord] = []
    for number in numbers {
      let partition = number % Self.partitionCount
      let verdict = Verdict(
        id: "x\(number)", flagged: number % 4 == 0, action: number % 4 == 0 ? .flag : .allow,
        judgement: Judgement(
          promptScore: Score(number % 4 == 0 ? 0.9 : 0.1), responseScore: nil, tokens: 1,
          windows: 1), threshold: 0.5, model: "guard@0", policy: "default",
        source: SourcePosition(
          topic: "in", partition: Int32(partition), offset: offsets[partition]),
        judgedAtMilliseconds: 0)
      offsets[partition] += 1
      let json = try JSONEncoder().encode(["id": "x\(number)", "prompt": Self.prompt(number)])
      exchanges.append(
        OutputRecord(
          topic: "in", partition: Partition(Int32(partition)), key: nil, value: Array(json)))
      verdicts.append(
        OutputRecord(
          topic: "verdicts", partition: Partition(Int32(partition)), key: nil,
          value: encoder.encode(verdict, as: .json)))
    }
    try produce(exchanges + verdicts)
  }

  /// Sends copies of exchanges on which a challenger disagrees, as the filter does.
  func disagree(_ numbers: Range<Int>) throws {
    try produce(
      numbers.map { number in
        let disagreement = Disagreement(
          source: SourcePosition(topic: "in", partition: 0, offset: Int64(number)),
          score: Score(0.1), threshold: 0.5, model: "guard@0", challengerScore: Score(0.8),
          challenger: "challenger@1", share: 0.5)
        return OutputRecord(
          topic: "disagreements", partition: nil, key: nil,
          value: Array(#"{"id": "d\#(number)", "prompt": "\#(Self.prompt(number))"}"#.utf8),
          headers: disagreement.headers)
      })
  }

  /// Publishes labels as the service does.
  func publish(_ labels: [TeacherLabel]) throws {
    try produce(
      labels.map { label in
        OutputRecord(
          topic: labelsTopic, partition: nil,
          key: Array((label.key?.digest.description ?? "").utf8),
          value: TeacherLabelEncoder.encode(label, as: .protobuf))
      })
  }

  /// What erases from the bench's topic and store.
  func erasing(hasStore: Bool = true) throws -> LabelErasing {
    var settings = settings
    if !hasStore { settings.label?.store = directory.path + "/missing.sqlite" }
    return try LabelErasing(settings: settings, environment: [:])
  }

  /// The contents that have a tombstone in the topic.
  func tombstones() throws -> Set<ContentDigest> {
    var digests: Set<ContentDigest> = []
    let reader = try TopicReader(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers), topics: [labelsTopic],
      timeout: .seconds(20))
    try reader.readAll(idleMax: .seconds(20)) { records in
      for record in records where record.value == nil {
        if let digest = ContentDigest(key: record.key) { digests.insert(digest) }
      }
    }
    return digests
  }

  func produce(_ records: [OutputRecord]) throws {
    let producer = try KafkaProducer(
      KafkaConfiguration(bootstrapServers: cluster.bootstrapServers))
    try producer.send(records, timeout: .seconds(20))
    try producer.flush(timeout: .seconds(20))
  }

  /// The labels in the topic, the last of each content, once there are so many.
  func labels(_ count: Int) throws -> [TeacherLabel] {
    let consumer = try consumer(group: "reader-\(UInt32.random(in: 0 ... .max))")
    try consumer.subscribe(to: [labelsTopic])
    var decoder = TeacherLabelDecoder()
    var labels: [[UInt8]: TeacherLabel] = [:]
    let end = ContinuousClock.now + .seconds(60)
    while labels.count < count {
      guard ContinuousClock.now < end else { throw TimeIsUp() }
      var records: [InputRecord] = []
      try consumer.poll(into: &records, max: 100, timeout: .milliseconds(100)) { _ in }
      for record in records {
        guard let key = record.key, let value = record.value else { continue }
        let label = try decoder.decode(value, headers: record.headers)
        guard key == Array((label.key?.digest.description ?? "").utf8) else { throw TimeIsUp() }
        labels[key] = label
      }
    }
    _ = try consumer.close(timeout: .seconds(5)) { _ in }
    return Array(labels.values)
  }

  /// Waits until the topic has a tombstone for a content.
  func waitForTombstone(of digest: ContentDigest) throws {
    let consumer = try consumer(group: "reader-\(UInt32.random(in: 0 ... .max))")
    try consumer.subscribe(to: [labelsTopic])
    try wait {
      var records: [InputRecord] = []
      try consumer.poll(into: &records, max: 100, timeout: .milliseconds(100)) { _ in }
      return records.contains {
        $0.value == nil && $0.key == Array(digest.description.utf8)
      }
    }
    _ = try consumer.close(timeout: .seconds(5)) { _ in }
  }

  /// The sum of the offsets that the service's group has committed.
  func committed() throws -> Int64 {
    let consumer = try consumer(group: "sluice-label")
    let partitions = ["in", "verdicts"].flatMap { topic in
      (0..<Self.partitionCount).map {
        TopicPartition(topic: topic, partition: Partition(Int32($0)))
      }
    }
    return try consumer.committed(partitions, timeout: .seconds(10)).values
      .reduce(0) { $0 + $1.rawValue }
  }

  func wait(_ isTrue: () throws -> Bool) throws {
    if try !comesAbout(isTrue) { throw TimeIsUp() }
  }

  private func consumer(group: String) throws -> KafkaConsumer {
    try KafkaConsumer(
      KafkaConfiguration([
        "bootstrap.servers": cluster.bootstrapServers, "group.id": group,
        "auto.offset.reset": "earliest",
      ]))
  }
}
