import Foundation
import Guard
import Records
import Settings
import Tensors
import TestSupport
import Testing

@Suite struct CalibrationTests {
  private let calibration = Calibration(
    temperature: 2.5, threshold: 0.125, falsePositiveRate: 0.05,
    fittedOn: Calibration.FittedOn(rows: 7, digest: "ab"))

  private func manifest(in directory: TemporaryDirectory) throws -> [String: Any] {
    let text = Data(directory.text(of: "sluice.json").utf8)
    return try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
  }

  private func write(_ text: String, to directory: TemporaryDirectory) throws {
    try Data(text.utf8).write(to: URL(filePath: directory.path + "/sluice.json"))
  }

  @Test func whatIsWrittenReadsBack() throws {
    let directory = try TemporaryDirectory()
    #expect(try CalibrationFile.read(folder: directory.path) == nil)
    try CalibrationFile.write(calibration, folder: directory.path)
    #expect(try CalibrationFile.read(folder: directory.path) == calibration)
    let plain = Calibration(temperature: 1)
    try CalibrationFile.write(plain, folder: directory.path)
    #expect(try CalibrationFile.read(folder: directory.path) == plain)
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(files == ["sluice.json"])
  }

  @Test func otherKeysSurvive() throws {
    let directory = try TemporaryDirectory()
    let text = #"""
      {"version": "7", "metrics": {"f1": 0.1, "tiny": 1e-7, "rows": 12345678901234567},
       "flag": true, "none": null, "list": [1, 2.5, "é/\"x"], "calibration": {"temperature": 9}}
      """#
    try write(text, to: directory)
    let old = try manifest(in: directory)
    try CalibrationFile.write(calibration, folder: directory.path)
    let new = try manifest(in: directory)
    #expect(Set(new.keys) == Set(old.keys))
    for key in old.keys where key != "calibration" {
      #expect((new[key] as? NSObject) == (old[key] as? NSObject), "\(key)")
    }
    let written = directory.text(of: "sluice.json")
    #expect(written.contains("12345678901234567") && written.contains("0.1,"))
    #expect(written.contains("true") && written.contains("null"))
    #expect(try CalibrationFile.read(folder: directory.path) == calibration)
  }

  @Test(arguments: [
    "[]", "{", #"{"calibration": {}}"#, #"{"calibration": {"temperature": 0}}"#,
    #"{"calibration": {"temperature": -1}}"#, #"{"calibration": {"temperature": "1"}}"#,
    #"{"calibration": {"temperature": 1, "threshold": 1.5}}"#,
    #"{"calibration": {"temperature": 1, "falsePositiveRate": -0.1}}"#,
  ])
  func aBrokenFileIsRefused(text: String) throws {
    let directory = try TemporaryDirectory()
    try write(text, to: directory)
    let error = #expect(throws: CalibrationFileError.self) {
      try CalibrationFile.read(folder: directory.path)
    }
    #expect(error?.description.hasPrefix("\(directory.path)/sluice.json: ") == true)
  }

  @Test func whatIsNoObjectIsNotOverwritten() throws {
    let directory = try TemporaryDirectory()
    try write("[1]", to: directory)
    #expect(throws: CalibrationFileError.self) {
      try CalibrationFile.write(calibration, folder: directory.path)
    }
    #expect(directory.text(of: "sluice.json") == "[1]")
  }

  @Test func aFolderThatIsNotThereIsNamed() {
    let error = #expect(throws: CalibrationFileError.self) {
      try CalibrationFile.write(calibration, folder: "/nonexistent/model")
    }
    #expect(error?.description.contains("/nonexistent/model/sluice.json") == true)
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
    try CalibrationFile.write(Calibration(temperature: 1), folder: directory.path)
    let neutral = try GuardModel(settings: settings, pool: pool)
    try CalibrationFile.write(calibration, folder: directory.path)
    let calibrated = try GuardModel(settings: settings, pool: pool)
    #expect(plain.calibration == nil && calibrated.calibration == calibration)
    #expect(neutral.model == plain.model)
    #expect(calibrated.model != plain.model, "verdicts must tell the two apart")
    for text in ["hello there", "the lazy dog", ""] {
      let ids = try plain.sequences(for: Exchange(prompt: text)).prompt
      let margin = try calibrated.margins(ids)[0]
      let score = Double(try calibrated.scores(ids)[0].rawValue)
      #expect(try plain.margins(ids) == [margin])
      #expect(try neutral.scores(ids) == plain.scores(ids))
      #expect(abs(score - 1 / (1 + exp(-margin / 2.5))) < 1e-7)
      #expect(abs(score - 0.5) < abs(Double(try plain.scores(ids)[0].rawValue) - 0.5))
    }
  }

  @Test func aModelWithABrokenManifestIsUnusable() throws {
    let directory = try modelFolder()
    try write(#"{"calibration": {"temperature": 0}}"#, to: directory)
    let error = #expect(throws: GuardModelFailure.self) {
      try GuardModel(
        settings: ModelSettings(path: directory.path), pool: WorkerPool(workers: 1))
    }
    #expect(error?.description.contains("sluice.json: calibration.temperature") == true)
  }
}
