import Datasets
import Foundation
import ModelRegistry
import TestSupport
import Testing

/// The real program on disks that fail at each of its calls: nothing is half done, what went wrong
/// is said, and the same command goes on once the disk is well.
@Suite struct DiskFaultTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func path(_ name: String) -> String { "\(directory.path)/\(name)" }

  enum Change: String, CaseIterable, CustomTestStringConvertible {
    case register, promote, rollback, prune

    var testDescription: String { rawValue }
  }

  /// Three versions; the second is the champion, the first the one before.
  private func makeRegistry() throws -> [ModelVersion] {
    let models = path("made")
    let versions = try ["v3-style", "c2p-only-unshared", "absolute-positions"].map { name in
      let run = try Command(["model", "register", GoldenCase.url(name).path, "--models", models])
      return try #require(
        ModelVersion(run.output.trimmingCharacters(in: .newlines)), "\(run.error)")
    }
    let registry = ModelRegistry(path: models)
    for version in versions.prefix(2) {
      try registry.promote(version, by: "test", reason: "test")
    }
    return versions
  }

  @Test(arguments: Change.allCases, FailingDisk.Fault.allCases)
  func aRegistryStaysWhole(change: Change, fault: FailingDisk.Fault) throws {
    let versions = try makeRegistry()
    let models = path("models")
    let options: [String] =
      switch change {
      case .register: [GoldenCase.url("v3-truncated").path]
      case .promote: [versions[2].description]
      case .rollback: []
      case .prune: ["--keep", "0"]
      }
    let arguments = ["model", change.rawValue] + options + ["--models", models]
    let trial = DiskTrial(arguments, prefix: models, in: directory)
    let registry = ModelRegistry(path: models)
    try trial.run(fault) {
      try? FileManager.default.removeItem(atPath: models)
      try FileManager.default.copyItem(atPath: path("made"), toPath: models)
    } check: { run, place in
      let current = try #require(registry.current, place)
      for version in try registry.versions() {
        #expect(try registry.problems(of: version) == [], place)
      }
      let changed = current != versions[1]
      if run.ending == .exited(0), change == .promote || change == .rollback {
        #expect(changed, place)
      } else if changed {
        #expect(run.error.contains("is the champion"), "\(run.error) (\(place))")
      }
      // What a failure leaves half made is removed at once, unless that cannot be done either.
      let names = try FileManager.default.contentsOfDirectory(atPath: models)
      let left = names.filter { $0.hasSuffix(".new") && $0.hasPrefix(".") }
      if change == .register { #expect(left == [], place) }

      let again = try Command(["model", "list", "--models", models])
      #expect(again.ending == .exited(0), "\(again.error) (\(place))")
      try registry.update(current) { $0.reasons = ["the next change"] }
      let last = try registry.history().last { $0.action != .register && $0.action != .prune }
      #expect(last?.version == current, place)
    }
  }

  /// A training goes on from its last checkpoint to the model that it would have become.
  @Test(arguments: FailingDisk.Fault.allCases)
  func aTrainingGoesOn(fault: FailingDisk.Fault) throws {
    let rows = (0..<40).map { number in
      LabelledExample(
        id: "\(number)", prompt: number % 2 == 1 ? "zebra \(number)" : "Good day \(number)",
        isUnsafe: number % 2 == 1)
    }
    try Data(rows.map(DatasetFile.line).joined()).write(to: URL(filePath: path("data.jsonl")))
    let output = path("new")
    let arguments = [
      "distill", "--model", GoldenCase.url("v3-style").path, "--data", path("data.jsonl"),
      "--output", output, "--steps", "4", "--batch-size", "4", "--threads", "1",
      "--checkpoint-seconds", "0.001",
    ]
    #expect(try Command(arguments).ending == .exited(0))
    let wanted = try Data(contentsOf: URL(filePath: output + "/model.safetensors"))
    let trial = DiskTrial(arguments, prefix: output, in: directory)
    try trial.run(fault) {
      for folder in [output, output + ".training"] {
        try? FileManager.default.removeItem(atPath: folder)
      }
    } check: { run, place in
      if run.ending != .exited(0) {
        let again = try Command(arguments)
        #expect(again.ending == .exited(0), "\(again.error) (\(place))")
      }
      let model = try Data(contentsOf: URL(filePath: output + "/model.safetensors"))
      #expect(model == wanted, place)
    }
  }

  /// A report is there whole, or an error is.
  @Test(arguments: FailingDisk.Fault.allCases)
  func aReportIsWhole(fault: FailingDisk.Fault) throws {
    let rows = (0..<6).map {
      LabelledExample(id: "\($0)", prompt: "Good day \($0)", isUnsafe: $0 % 2 == 1)
    }
    try Data(rows.map(DatasetFile.line).joined()).write(to: URL(filePath: path("data.jsonl")))
    let arguments = [
      "evaluate", "--model", GoldenCase.url("v3-style").path, "--data", path("data.jsonl"),
      "--output", path("report"), "--bootstrap", "20", "--threads", "1",
    ]
    let trial = DiskTrial(arguments, prefix: path("report"), in: directory)
    try trial.run(fault) {
      try? FileManager.default.removeItem(atPath: path("report"))
    } check: { run, place in
      if run.ending == .exited(0) {
        #expect(directory.text(of: "report/report.html").hasSuffix("</html>\n"), place)
      }
    }
  }
}
