import Basics
import Datasets
import Foundation
import Records
import Retraining
import Settings
import TestSupport

private let words = """
  apple river candle mountain pencil window garden silver market blanket thunder ladder cotton \
  harbour violin marble saddle pepper lantern meadow anchor velvet basket copper feather
  """.split(whereSeparator: \.isWhitespace)

/// A row whose words no other number has; every second one is unsafe, and says so.
func row(_ number: Int, source: String = "labels") -> LabelledExample {
  var random = SeededGenerator(seed: UInt64(number))
  let some = (0..<6).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " ")
  let isUnsafe = number % 2 == 1
  return LabelledExample(
    id: "\(number)", prompt: isUnsafe ? "I will hurt and kill you, \(some)" : "Bake \(some) bread",
    isUnsafe: isUnsafe, source: source)
}

/// The first rows from a number on for which something holds.
func rows(
  _ count: Int, from first: Int = 0, where holds: (LabelledExample) -> Bool = { _ in true }
) -> [LabelledExample] {
  var rows: [LabelledExample] = []
  var number = first
  while rows.count < count {
    let row = row(number)
    if holds(row) { rows.append(row) }
    number += 1
  }
  return rows
}

extension LabelledExample {
  /// The same text but for its last letter.
  var changedALittle: LabelledExample {
    var copy = self
    copy.prompt += "s"
    return copy
  }

  /// What a teacher says of it.
  func label(tenant: String? = nil, at milliseconds: Int64 = 1_000) -> TeacherLabel {
    TeacherLabel(
      id: id, contentDigest: digest.bytes, prompt: prompt, response: response, tenant: tenant,
      teacherScore: Score(isUnsafe ? 0.97 : 0.02), isUnsafe: isUnsafe, teacher: "teacher",
      templateDigest: ContentDigest(of: [1]).bytes, inclusionProbability: 1, stratum: "random",
      guardModel: nil, guardScore: nil, source: nil, labelledAtMilliseconds: milliseconds)
  }
}

extension TemporaryDirectory {
  /// Writes a file of examples and returns its path.
  func write(_ rows: [LabelledExample], to name: String) throws -> String {
    let file = "\(path)/\(name).jsonl"
    try Data(rows.map(DatasetFile.line).joined()).write(to: URL(filePath: file))
    return file
  }

  /// Settings of a retraining in this directory.
  func settings(
    bootstrapServers: String = "127.0.0.1:1", training: String = "{}", gate: String = ""
  ) throws -> Settings {
    try Settings(
      yaml: """
        kafka: {bootstrap_servers: "\(bootstrapServers)", group_id: retrain-test}
        topics: {input: in, verdicts: verdicts, dead_letters: dead}
        model: {path: \(path)/models/current}
        telemetry: {listen: none}
        label: {topic: labels, teacher: {url: "http://127.0.0.1:9"}}
        retrain:
          folder: \(path)/retrain
          models: \(path)/models
          new_labels_min: 1
          seed: 1
          after_promotion: ["/bin/sh", "-c", "echo promoted >> \(path)/hook"]
          dataset: {replay: \(path)/old.jsonl, share_per_tenant_max: 1}
          training: \(training)
          gate: {gold: \(path)/gold.jsonl\(gate)}
        """, file: "retrain.yaml")
  }
}
