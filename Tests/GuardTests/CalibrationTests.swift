import Foundation
import Guard
import ModelRegistry
import Records
import Settings
import Tensors
import TestSupport
import Testing

@Suite struct CalibrationTests {
  private let calibration = Calibration(
    temperature: 2.5, threshold: 0.125, falsePositiveRate: 0.05,
    fittedOn: Calibration.FittedOn(rows: 7, digest: "ab"))

  private func write(_ calibration: Calibration, to directory: TemporaryDirectory) throws {
    var description = ModelDescription()
    description.calibration = calibration
    try description.write(folder: directory.path)
  }

  private func modelFolder() throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for name in ["config.json", "model.safetensors", "spm.model", "tokenizer_config.json"] {
      try FileManager.default.copyItem(
        at: GoldenCase.url("v3-style").appending(path: name),
        to: URL(filePath: directory.path).appending(path: name))
    }
    return directory
  }

  @Test func theModelAppliesItsTemperature() throws {
    let directory = try modelFolder()
    let pool = WorkerPool(workers: 1)
    let settings = ModelSettings(path: directory.path)
    let plain = try GuardModel(settings: settings, pool: pool)
    try write(Calibration(temperature: 1), to: directory)
    let neutral = try GuardModel(settings: settings, pool: pool)
    try write(calibration, to: directory)
    let calibrated = try GuardModel(settings: settings, pool: pool)
    #expect(plain.calibration == nil && calibrated.calibration == calibration)
    #expect(neutral.model == plain.model)
    #expect(calibrated.model != plain.model, "verdicts must tell the two apart")
    for text in ["hello there", "the lazy dog", ""] {
      let ids = try plain.sequences(for: Exchange(prompt: text)).prompt
      let margin = try calibrated.readings(ids)[0].margin
      let score = Double(try calibrated.scores(ids)[0].rawValue)
      #expect(try plain.readings(ids).map(\.margin) == [margin])
      #expect(try neutral.scores(ids) == plain.scores(ids))
      #expect(abs(score - 1 / (1 + exp(-margin / 2.5))) < 1e-7)
      #expect(abs(score - 0.5) < abs(Double(try plain.scores(ids)[0].rawValue) - 0.5))
    }
  }

  /// It must never judge with scores that only look calibrated.
  @Test(arguments: ["{", #"{"calibration": {"temperature": 0}}"#, #"{"calibration": {}}"#])
  func aModelWhoseCalibrationCannotBeReadIsUnusable(text: String) throws {
    let directory = try modelFolder()
    let file = directory.path + "/sluice.json"
    try Data(text.utf8).write(to: URL(filePath: file))
    let error = #expect(throws: GuardModelFailure.self) {
      try GuardModel(
        settings: ModelSettings(path: directory.path), pool: WorkerPool(workers: 1))
    }
    #expect(error?.description.hasPrefix("\(file): ") == true)
    #expect(error?.exitStatus == .noInput)
  }
}
