import Datasets
import Foundation
import TestSupport
import Testing

/// `sluice distill` and `sluice evaluate` on a few rows and a model of a few thousand weights.
@Suite struct LearningCommandTests {
  private let directory: TemporaryDirectory
  private let model = GoldenCase.url("v3-style").path

  init() throws {
    directory = try TemporaryDirectory()
    let rows = (0..<40).map { number in
      LabelledExample(
        id: "\(number)", prompt: number % 2 == 1 ? "zebra \(number)" : "Good day \(number)",
        isUnsafe: number % 2 == 1)
    }
    try Data(rows.map(DatasetFile.line).joined()).write(to: URL(filePath: path("data.jsonl")))
  }

  private func path(_ name: String) -> String { "\(directory.path)/\(name)" }

  private func distill(_ options: [String] = []) throws -> Command {
    try Command(
      [
        "distill", "--model", model, "--data", path("data.jsonl"), "--output", path("new"),
        "--steps", "3", "--batch-size", "4", "--threads", "1",
      ] + options)
  }

  private func evaluate(_ options: [String] = []) throws -> Command {
    try Command(
      [
        "evaluate", "--data", path("data.jsonl"), "--output", path("report"), "--bootstrap", "50",
        "--threads", "1",
      ] + options)
  }

  @Test func aTrainedModelIsMeasured() throws {
    let training = try distill()
    #expect(training.ending == .exited(0), "\(training.error)")
    #expect(training.output.contains("3 steps on 37 examples"), "\(training.output)")
    #expect(training.output.contains("held out: 3 examples"), "\(training.output)")

    let measured = try evaluate(["--model", path("new"), "--compare", model])
    #expect(measured.ending == .exited(0), "\(measured.error)")
    #expect(measured.output.contains("data"), "\(measured.output)")
    #expect(directory.text(of: "report/report.json").contains("\"rows\""))
    #expect(!directory.text(of: "report/report.html").contains("zebra"))
    #expect(!measured.output.contains("zebra") && !measured.error.contains("zebra"))

    let fitted = try evaluate([
      "--model", path("new"), "--fit-calibration", path("other.jsonl"),
      "--false-positive-rate", "0.2",
    ])
    #expect(fitted.ending == .exited(66), "\(fitted.error)")
  }

  @Test(arguments: [
    ["--adapt"], ["--from-scratch", "--epochs", "1"], ["--format", "float16"],
  ]) func everyKindOfTrainingEndsWithAModel(options: [String]) throws {
    let run = try distill(options)
    #expect(run.ending == .exited(0), "\(run.error)")
    #expect(FileManager.default.fileExists(atPath: path("new/model.safetensors")))
  }

  @Test(arguments: [
    (["--held-out", "1"], "--held-out"), (["--teacher-opinions", "x"], "--teacher"),
    (["--checkpoint-seconds", "-1"], "--checkpoint-seconds"), (["--threads", "-1"], "--threads"),
  ])
  func mistakesInATrainingAreSaid(options: [String], words: String) throws {
    let run = try distill(options)
    #expect(run.ending == .exited(64))
    #expect(run.error.contains(words), "\(run.error)")
  }

  @Test(arguments: [
    (["--threshold", "2"], "--threshold"), (["--bootstrap", "-1"], "--bootstrap"),
    (["--false-positive-rate", "2"], "--false-positive-rate"), (["--threads", "-1"], "--threads"),
  ])
  func mistakesInAMeasurementAreSaid(options: [String], words: String) throws {
    let run = try evaluate(["--model", model] + options)
    #expect(run.ending == .exited(64))
    #expect(run.error.contains(words), "\(run.error)")
  }

  @Test func aSetHasOneNameAndIsNotHeldOut() throws {
    let data = ["--data", path("data.jsonl"), path("data.jsonl")]
    #expect(try evaluate(["--model", model] + data).ending == .exited(64))
    let fit = ["--fit-calibration", path("data.jsonl")]
    #expect(try evaluate(["--model", model] + fit).ending == .exited(64))
  }
}
