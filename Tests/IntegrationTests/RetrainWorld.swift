import Basics
import Datasets
import Foundation
import Guard
import Kafka
import ModelRegistry
import Records
import Retraining
import Settings
import Tensors
import TestSupport
import Wire

/// Brokers, a registry with the bundled model as its champion, and labels of two kinds of texts:
/// what people say, and requests in invented words, which no model has seen before.
final class RetrainWorld {
  let directory: TemporaryDirectory
  let bootstrapServers: String
  let registry: ModelRegistry
  let champion: ModelVersion
  private let mock: MockCluster?
  private let producer: KafkaProducer

  /// A world on `broker`, or on one in this process.
  init(broker: NoidaBroker? = nil) throws {
    directory = try TemporaryDirectory()
    let topics = ["in", "verdicts", "dead", "labels"]
    if let broker {
      mock = nil
      bootstrapServers = broker.bootstrapServers
      let admin = try KafkaAdmin(KafkaConfiguration(bootstrapServers: bootstrapServers))
      try admin.createTopics(
        topics.map { KafkaAdmin.NewTopic($0, partitionCount: 2) }, timeout: .seconds(20))
    } else {
      let cluster = try MockCluster()
      for topic in topics { try cluster.createTopic(topic, partitions: 2) }
      mock = cluster
      bootstrapServers = cluster.bootstrapServers
    }
    producer = try KafkaProducer(KafkaConfiguration(bootstrapServers: bootstrapServers))
    registry = ModelRegistry(path: directory.path + "/models")
    let folder = SourceTree.url("Tests/Fixtures/guard-tiny").path
    let hash = try GuardModel(settings: ModelSettings(path: folder), pool: WorkerPool(workers: 1))
      .hash
    champion = try registry.register(
      ModelCandidate(folder: folder, hash: hash), by: "test", reason: "test"
    ).version
    try registry.promote(champion, by: "test", reason: "first")
    try write(Self.rows(0..<60, kind: .everyday) + Self.rows(0..<60, kind: .invented), to: "gold")
    try write(Self.rows(200..<400, kind: .everyday), to: "old")
  }

  /// Kinds of texts.
  enum Kind { case everyday, invented }

  private static let words = """
    apple river candle mountain pencil window garden silver market blanket thunder ladder cotton \
    harbour violin marble saddle pepper lantern meadow anchor velvet basket copper feather
    """.split(whereSeparator: \.isWhitespace)

  /// Rows of different words, so that none is nearly another; every second one is unsafe.
  static func rows(_ numbers: Range<Int>, kind: Kind) -> [LabelledExample] {
    numbers.map { number in
      let isUnsafe = number % 2 == 1
      var random = SeededGenerator(seed: UInt64(number))
      let some = (0..<6).map { _ in words.randomElement(using: &random) ?? "" }
        .joined(separator: " ")
      let text =
        switch (kind, isUnsafe) {
        case (.everyday, false): "How do I bake bread with \(some)?"
        case (.everyday, true): "I will hurt and kill you, \(some)."
        case (.invented, false): "Brindle the fomp: \(some)."
        case (.invented, true): "Zorkle the quamp: \(some)."
        }
      return LabelledExample(
        id: "\(kind)-\(number)", prompt: text, isUnsafe: isUnsafe, source: "\(kind)")
    }
  }

  func write(_ rows: [LabelledExample], to name: String) throws {
    try Data(rows.map(DatasetFile.line).joined()).write(
      to: URL(filePath: "\(directory.path)/\(name).jsonl"))
  }

  /// Publishes what a teacher says of the rows; `lies` turns every answer around.
  func publishLabels(_ rows: [LabelledExample], lies: Bool = false, tenant: String? = nil) throws {
    let now = Int64(Date.now.timeIntervalSince1970 * 1_000)
    let records = rows.enumerated().map { place, row in
      let isUnsafe = row.isUnsafe != lies
      let label = TeacherLabel(
        id: row.id, contentDigest: row.digest.bytes, prompt: row.prompt, response: nil,
        tenant: tenant ?? "tenant-\(place % 8)", teacherScore: Score(isUnsafe ? 0.97 : 0.02),
        isUnsafe: isUnsafe, teacher: "teacher", templateDigest: ContentDigest(of: [1]).bytes,
        inclusionProbability: 1, stratum: "random", guardModel: nil, guardScore: nil, source: nil,
        labelledAtMilliseconds: now)
      return OutputRecord(
        topic: "labels", partition: nil, key: Array(row.digest.description.utf8),
        value: TeacherLabelEncoder.encode(label, as: .protobuf))
    }
    try send(records)
  }

  func send(_ records: [OutputRecord]) throws {
    try producer.send(records, timeout: .seconds(30))
    try producer.flush(timeout: .seconds(30))
  }

  /// The settings file, with the sections that a test adds.
  func yaml(steps: Int = 24, seed: Int = 1, label: String? = nil) -> String {
    """
    kafka: {bootstrap_servers: "\(bootstrapServers)", group_id: retrain-test}
    topics: {input: in, verdicts: verdicts, dead_letters: dead}
    model: {path: \(registry.path)/current, poll_seconds: 1}
    telemetry: {listen: none}
    \(label ?? #"label: {topic: labels, teacher: {url: "http://127.0.0.1:9"}}"#)
    retrain:
      folder: \(directory.path)/retrain
      models: \(registry.path)
      new_labels_min: 20
      seed: \(seed)
      metrics_file: \(directory.path)/retrain.prom
      dataset: {replay: \(directory.path)/old.jsonl, share_per_tenant_max: 1}
      training:
        epochs: 1000
        steps_max: \(steps)
        batch_size: 16
        learning_rate: 1e-3
        warm_up_steps: 4
        checkpoint_seconds: 0.2
      gate:
        gold: \(directory.path)/gold.jsonl
        latency_ratio_max: 5
        fresh_rows_min: 10
        bootstrap_replicates: 100
    """
  }

  /// Writes the settings and returns the file.
  func settingsFile(_ yaml: String) throws -> String {
    let file = directory.path + "/sluice.yaml"
    try Data(yaml.utf8).write(to: URL(filePath: file))
    return file
  }

  /// The newest outcome; nil before the first.
  var outcome: RetrainOutcome? {
    let file = URL(filePath: directory.path + "/retrain/last-outcome.json")
    return (try? Data(contentsOf: file)).flatMap {
      try? JSONDecoder().decode(RetrainOutcome.self, from: $0)
    }
  }

  /// Runs the real program to its end; `kibibytesMax` is what a file may have, as on a disk that
  /// is full.
  func retrain(
    _ settings: String, _ arguments: [String] = [], kibibytesMax: Int? = nil
  ) throws -> ChildProcess.Ending? {
    let limit = kibibytesMax.map(String.init) ?? "unlimited"
    let process = try ChildProcess(
      "/bin/bash",
      [
        "-c", #"trap "" XFSZ; ulimit -f \#(limit); exec "$0" "$@""#, DaemonProcess.program,
        "retrain", "--config", settings,
      ] + arguments, output: directory.path + "/retrain.log")
    return process.wait(within: .seconds(300))
  }

  var log: String { directory.text(of: "retrain.log") }
}
