import Datasets
import Foundation
import Kafka
import TestSupport

/// Topics, a registry of models, and what a retraining needs, for a long run.
final class EnduranceWorld {
  let ground: Ground
  /// Ports of the status pages of the filter and of the labelling service.
  let filterPort = freeLoopbackPort()
  let labelPort = freeLoopbackPort()
  private let directory: TemporaryDirectory
  private let plan: EndurancePlan
  private let teacher: ScriptedServer?

  /// Makes the plan's model the champion.
  init(_ plan: EndurancePlan) async throws {
    self.plan = plan
    ground = try Ground(plan.cluster, partitions: plan.partitions)
    directory = try TemporaryDirectory()
    teacher =
      plan.retrainSeconds == nil
      ? nil : try await ScriptedServer { request, _ in ScriptedWorld.answer(request) }
    // A set of which a third is wrong, so that nobody is so good that nothing is better.
    try write(Self.rows(0..<150, wrong: 3), to: "gold")
    try write(Self.rows(1_000..<1_200), to: "old")
    let version = try run(["model", "register", plan.model, "--models", models])
      .trimmingCharacters(in: .whitespacesAndNewlines)
    _ = try run(["model", "promote", version, "--models", models])
  }

  /// The folder of every model in the registry, by the model's name.
  var versions: [String: String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: models)) ?? []
    let folders = names.map { ($0, "\(models)/\($0)") }.filter {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: $0.1)) == nil
        && FileManager.default.fileExists(atPath: "\($0.1)/config.json")
    }
    return Dictionary(uniqueKeysWithValues: folders)
  }

  /// The settings of all three programs.
  var settings: String {
    """
    kafka: {bootstrap_servers: "\(ground.bootstrapServers)", group_id: \(ground.names.group)}
    topics:
      input: \(ground.names.input)
      verdicts: \(ground.names.verdicts)
      dead_letters: \(ground.names.deadLetters)
    model: {path: \(models)/current, poll_seconds: 1}
    engine: {precision: \(plan.precision), threads: 1}
    cache: {entries_max: \(plan.cacheEntries)}
    telemetry: {listen: "127.0.0.1:\(filterPort)"}
    \(teacher.map(learning) ?? "")
    """
  }

  /// Lets the champion before take the place of the present one; false where there is none.
  func rollBack() -> Bool {
    (try? run(["model", "rollback", "--models", models])) != nil
  }

  /// A settings file for programs that are not daemons.
  func settingsFile() throws -> String {
    let file = directory.path + "/sluice.yaml"
    try Data(settings.utf8).write(to: URL(filePath: file))
    return file
  }

  func leave() async {
    await teacher?.stop()
    ground.leave()
  }

  private var models: String { directory.path + "/models" }

  /// What a retraining lets in is of no interest here, only that it does.
  private func learning(_ teacher: ScriptedServer) -> String {
    """
    label:
      topic: \(ground.names.labels)
      group_id: \(ground.names.group)-label
      store: \(directory.path)/labels.sqlite
      listen: "127.0.0.1:\(labelPort)"
      teacher: {url: "\(teacher.url)"}
      requests_per_hour: 1000000
      sampling: {random_rate: 0.1, labels_per_tenant_per_hour: 0}
    retrain:
      folder: \(directory.path)/retrain
      models: \(models)
      keep_versions: 1000
      new_labels_min: 4
      dataset: {replay: \(directory.path)/old.jsonl, share_per_tenant_max: 1}
      training:
        epochs: 100
        steps_max: 20
        batch_size: 16
        learning_rate: 1e-4
        warm_up_steps: 4
        threads: 1
      gate:
        gold: \(directory.path)/gold.jsonl
        latency_ratio_max: 100
        recall_drop_max: 1
        auprc_drop_max: 1
        flagged_safe_rise_max: 1
        slice_error_rise_max: 1
        decision_change_max: 1
        traffic_records_max: 200
        fresh_rows_min: 1000000
        bootstrap_replicates: 100
    """
  }

  /// - Parameter wrong: one in so many labels is wrong; 0 for none.
  private static func rows(_ numbers: Range<Int>, wrong: Int = 0) -> [LabelledExample] {
    let words = ["apple", "river", "candle", "mountain", "pencil", "window", "garden", "silver"]
    return numbers.map { number in
      let some = (0..<4).map { words[(number >> ($0 * 3)) % words.count] }.joined(separator: " ")
      let isUnsafe = number % 2 == 1
      return LabelledExample(
        id: "\(number)",
        prompt: isUnsafe
          ? "I will hurt and kill you, \(some) \(number)." : "How do I bake \(some) \(number)?",
        isUnsafe: isUnsafe != (wrong > 0 && number % wrong == 0), source: "made up")
    }
  }

  private func write(_ rows: [LabelledExample], to name: String) throws {
    try Data(rows.map(DatasetFile.line).joined()).write(
      to: URL(filePath: "\(directory.path)/\(name).jsonl"))
  }

  /// What the program prints; whatever does not go well is said.
  private func run(_ arguments: [String]) throws -> String {
    let (output, error) = (directory.path + "/output", directory.path + "/error")
    try? FileManager.default.removeItem(atPath: output)
    let process = try ChildProcess(plan.program, arguments, output: output, error: error)
    guard process.wait(within: .seconds(120)) == .exited(0) else {
      throw Workload.Failure(description: "\(arguments): \(directory.text(of: "error"))")
    }
    return directory.text(of: "output")
  }
}
