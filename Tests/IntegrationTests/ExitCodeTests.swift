import Datasets
import Foundation
import ModelRegistry
import TestSupport
import Testing

/// How commands end that have to do with models and data, as a script sees it.
@Suite struct ExitCodeTests {
  private let directory: TemporaryDirectory
  private var model: String { directory.path + "/model" }
  private var models: String { directory.path + "/models" }

  init() throws {
    directory = try TemporaryDirectory()
    try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
    for name in ["config.json", "model.safetensors", "spm.model", "tokenizer_config.json"] {
      try FileManager.default.copyItem(
        at: GoldenCase.url("v3-style").appending(path: name),
        to: URL(filePath: model).appending(path: name))
    }
    let rows = (0..<40).map { number in
      let text = number % 2 == 1 ? "I will hurt you \(number)" : "Good day \(number)"
      return LabelledExample(id: "\(number)", prompt: text, isUnsafe: number % 2 == 1)
    }
    for (name, rows) in [("data", rows.prefix(20)), ("held-out", rows.suffix(20))] {
      try Data(rows.map(DatasetFile.line).joined()).write(
        to: URL(filePath: "\(directory.path)/\(name).jsonl"))
    }
  }

  private var log: Comment { "\(directory.text(of: "log"))" }

  private func sluice(_ arguments: [String]) throws -> ChildProcess.Ending? {
    try ChildProcess(DaemonProcess.program, arguments, output: directory.path + "/log")
      .wait(within: .seconds(60))
  }

  /// The program where no file may grow beyond so many KiB, as on a disk that is full.
  private func sluice(_ arguments: [String], kibibytesMax: Int) throws -> ChildProcess.Ending? {
    let script = #"trap "" XFSZ; ulimit -f \#(kibibytesMax); exec "$0" "$@""#
    return try ChildProcess(
      "/bin/bash", ["-c", script, DaemonProcess.program] + arguments,
      output: directory.path + "/log"
    ).wait(within: .seconds(60))
  }

  private func evaluation(_ model: String, fits: Bool = false) -> [String] {
    let fit = fits ? ["--fit-calibration", directory.path + "/held-out.jsonl"] : []
    return ["evaluate", "--model", model, "--data", directory.path + "/data.jsonl", "--bootstrap"]
      + ["0", "--false-positive-rate", "0.5", "--output", directory.path + "/report"] + fit
  }

  private func distillation(_ more: [String] = []) -> [String] {
    ["distill", "--model", model, "--data", directory.path + "/data.jsonl", "--steps", "2"]
      + ["--batch-size", "4", "--output", directory.path + "/new"] + more
  }

  private func newestVersion() throws -> ModelVersion {
    try #require(try ModelRegistry(path: models).versions().last)
  }

  @Test func aFittedModelIsRegisteredAndPromoted() throws {
    #expect(try sluice(evaluation(model, fits: true)) == .exited(0), log)
    #expect(try sluice(["model", "register", model, "--models", models]) == .exited(0), log)
    let version = try newestVersion()
    #expect(
      try sluice(["model", "promote", "\(version)", "--models", models]) == .exited(0), log)
    let registered = try ModelRegistry(path: models).manifest(of: version)
    #expect(registered.status == .champion)
    #expect(registered.description.calibration != nil)
    #expect(
      registered.description.calibration == (try ModelDescription.read(folder: model))?.calibration)
  }

  @Test func aVersionIsNotFittedAndItsCopyIs() throws {
    #expect(try sluice(["model", "register", model, "--models", models]) == .exited(0), log)
    let version = try newestVersion()
    let folder = "\(models)/\(version)"
    #expect(try sluice(evaluation(folder, fits: true)) == .exited(65), log)
    #expect(
      try sluice(["model", "promote", "\(version)", "--models", models]) == .exited(0), log)
    #expect(try sluice(evaluation(models + "/current", fits: true)) == .exited(65), log)

    let copy = directory.path + "/copy"
    try FileManager.default.copyItem(atPath: folder, toPath: copy)
    #expect(try sluice(evaluation(copy, fits: true)) == .exited(0), log)
    let registry = ModelRegistry(path: directory.path + "/others")
    #expect(try sluice(["model", "register", copy, "--models", registry.path]) == .exited(0), log)
    let child = try #require(try registry.versions().last)
    #expect(child.hashPrefix != version.hashPrefix)
    #expect(try registry.manifest(of: child).description.parent == version)
    #expect(
      try sluice(["model", "promote", "\(child)", "--models", registry.path]) == .exited(0), log)
  }

  /// The files of a version as they were before a calibration had one coder.
  @Test func yesterdaysVersionIsPromoted() throws {
    let registry = ModelRegistry(path: models)
    let version = try #require(ModelVersion("2026-11-24T02-13-05Z-4a26c938"))
    try FileManager.default.createDirectory(atPath: models, withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: model, toPath: registry.folder(of: version))
    try FileManager.default.copyItem(
      at: SourceTree.url("Tests/Fixtures/manifests/version.json"),
      to: URL(filePath: registry.folder(of: version) + "/sluice.json"))
    #expect(
      try sluice(["model", "promote", "\(version)", "--models", models]) == .exited(0), log)
    #expect(registry.current == version)
    #expect(try sluice(evaluation(models + "/current")) == .exited(0), log)
    #expect(directory.text(of: "report/report.json").contains("1.7031"))
  }

  @Test func aCalibrationThatCannotBeReadIsNeverPassedOver() throws {
    #expect(try sluice(["model", "register", model, "--models", models]) == .exited(0), log)
    let version = try newestVersion()
    for folder in [model, "\(models)/\(version)"] {
      let file = folder + "/sluice.json"
      let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? "{\n\"none\": 1\n}"
      let broken = text.replacing(
        "{\n", with: #"{"calibration": {"temperature": 0},"#, maxReplacements: 1)
      try Data(broken.utf8).write(to: URL(filePath: file))
    }
    let settings = directory.path + "/sluice.yaml"
    try Data(
      """
      kafka: {bootstrap_servers: "127.0.0.1:1", group_id: g}
      topics: {input: in, verdicts: out, dead_letters: dead}
      model: {path: \(model)}
      telemetry: {listen: none}
      """.utf8
    ).write(to: URL(filePath: settings))
    let commands = [
      evaluation(model), evaluation(model, fits: true), ["classify", "--model", model],
      ["model", "register", model, "--models", models],
      ["model", "promote", "\(version)", "--models", models],
      ["model", "show", "\(version)", "--models", models], distillation(["--teacher", model]),
      ["serve", "--config", settings],
    ]
    for command in commands {
      let before = directory.text(of: "log").count
      #expect(try sluice(command) == .exited(66), "\(command): \(log)")
      let said = directory.text(of: "log").dropFirst(before)
      #expect(
        said.contains("sluice.json: not valid at calibration.temperature"), "\(command): \(said)")
    }
    #expect(ModelRegistry(path: models).current == nil)
  }

  @Test func aMissingDataFileIsAMissingInput() throws {
    let missing = directory.path + "/none.jsonl"
    let generator = ["--generator", "http://127.0.0.1:1"]
    let data = directory.path + "/data.jsonl"
    let output = ["--output", directory.path + "/out.jsonl"]
    let commands = [
      ["evaluate", "--model", model, "--data", missing] + output,
      evaluation(model) + ["--fit-calibration", missing],
      ["distill", "--model", model, "--data", missing] + output,
      ["augment", "--data", missing] + output + generator,
      ["augment", "--data", data, "--exclude", missing] + output + generator,
    ]
    for command in commands {
      #expect(try sluice(command) == .exited(66), "\(command): \(log)")
      try Data("{}\n".utf8).write(to: URL(filePath: missing))
      #expect(try sluice(command) == .exited(65), "\(command): \(log)")
      try FileManager.default.removeItem(atPath: missing)
    }
  }

  @Test func aFullDiskIsAnOutputThatCannotBeWritten() throws {
    // Room for the tokenizer, and none for the weights or a checkpoint.
    #expect(try sluice(distillation(), kibibytesMax: 1_000) == .exited(73), log)
    #expect(
      try sluice(distillation(["--checkpoint-seconds", "0"]), kibibytesMax: 1_000) == .exited(73),
      log)
    #expect(!FileManager.default.fileExists(atPath: directory.path + "/new"))
    #expect(
      try sluice(["model", "register", model, "--models", models], kibibytesMax: 1_000)
        == .exited(73), log)
    #expect(try sluice(evaluation(model, fits: true), kibibytesMax: 0) == .exited(73), log)
    #expect(try ModelDescription.read(folder: model) == nil)
  }
}
