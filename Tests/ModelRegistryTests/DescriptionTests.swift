import Foundation
import ModelRegistry
import TestSupport
import Testing

/// What `sluice.json` says of a model, in a registry and outside of one.
@Suite struct DescriptionTests {
  private let directory: TemporaryDirectory
  private var folder: String { directory.path }
  private let calibration = Calibration(
    temperature: 2.5, threshold: 0.125, falsePositiveRate: 0.05,
    fittedOn: Calibration.FittedOn(rows: 7, digest: "ab"))

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: folder + "/sluice.json"))
  }

  private func object() throws -> [String: Any] {
    let text = Data(directory.text(of: "sluice.json").utf8)
    return try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
  }

  private func fit() throws {
    var description = try ModelDescription.readToChange(folder: folder)
    description.calibration = calibration
    try description.write(folder: folder)
  }

  @Test func whatIsWrittenReadsBack() throws {
    #expect(try ModelDescription.read(folder: folder) == nil)
    try fit()
    #expect(try ModelDescription.read(folder: folder)?.calibration == calibration)
    #expect(try ModelManifest.read(folder: folder) == nil, "it is no version of a registry")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["sluice.json"])
  }

  @Test func whatIsSaidOfLabelsSurvivesAFit() throws {
    try write(#"{"unsafe_labels": ["a", "b"], "hypothesis": "It rains."}"#)
    try fit()
    #expect(try ModelDescription.read(folder: folder)?.unsafeLabels == ["a", "b"])
    #expect(try ModelDescription.read(folder: folder)?.hypothesis == "It rains.")
    try write(#"{"unsafe_labels": "a"}"#)
    #expect(throws: RegistryError.self) { try ModelDescription.read(folder: self.folder) }
  }

  @Test func viewsSurviveAFit() throws {
    try write(#"{"views": ["response", "prompt"]}"#)
    try fit()
    #expect(try ModelDescription.read(folder: folder)?.views == [.response, .prompt])
    try write(#"{"views": ["answer"]}"#)
    #expect(throws: RegistryError.self) { try ModelDescription.read(folder: self.folder) }
  }

  @Test func otherKeysSurviveAFit() throws {
    try write(
      #"""
      {"note": "7", "metrics": {"f1": 0.1, "tiny": 1e-7, "rows": 12345678901234567},
       "flag": true, "none": null, "list": [1, 2.5, "é/\"x"], "calibration": {"temperature": 9}}
      """#)
    let old = try object()
    try fit()
    let new = try object()
    #expect(Set(new.keys) == Set(old.keys))
    for key in old.keys where key != "calibration" {
      #expect((new[key] as? NSObject) == (old[key] as? NSObject), "\(key)")
    }
    #expect(directory.text(of: "sluice.json").contains("12345678901234567"))
    #expect(try ModelDescription.read(folder: folder)?.calibration == calibration)
  }

  @Test(arguments: [
    ("[]", "wrong type at the top"),
    (#"{"note": 1, "note": 2}"#, "a name is given twice (byte 20)"),
    (#"{"calibration": {}}"#, "no calibration.temperature"),
    (#"{"calibration": 2}"#, "wrong type at calibration"),
    (#"{"calibration": {"temperature": 0}}"#, "not valid at calibration.temperature"),
    (#"{"calibration": {"temperature": 1e9}}"#, "not valid at calibration.temperature"),
    (#"{"calibration": {"temperature": "1"}}"#, "wrong type at calibration.temperature"),
    (
      #"{"calibration": {"temperature": 1, "threshold": 1.5}}"#,
      "not valid at calibration.threshold"
    ),
    (
      #"{"calibration": {"temperature": 1, "falsePositiveRate": -0.1}}"#,
      "not valid at calibration.falsePositiveRate"
    ),
    (#"{"calibration": {"temperature": 1}, "format": 2}"#, "not valid at format"),
    (#"{"calibration": {"temperature": 1}, "format": 1}"#, "no version"),
  ])
  func whatCannotBeReadIsAnErrorAndStays(text: String, problem: String) throws {
    try write(text)
    let expected = RegistryError(.damaged, folder + "/sluice.json", problem)
    #expect(expected.exitStatus == .noInput)
    #expect(throws: expected) { try ModelDescription.read(folder: folder) }
    #expect(throws: expected) { try ModelManifest.read(folder: folder) }
    #expect(throws: expected) { try fit() }
    #expect(directory.text(of: "sluice.json") == text)
  }

  @Test(arguments: [0, -1, 1e9, .nan, .infinity])
  func whatCouldNotBeReadIsNotWritten(temperature: Double) throws {
    var description = ModelDescription()
    description.calibration = Calibration(temperature: temperature)
    #expect(
      throws: RegistryError(
        .damaged, folder + "/sluice.json", "not valid at calibration.temperature")
    ) { try description.write(folder: folder) }
    description.calibration = Calibration(temperature: 1, threshold: 2)
    #expect(throws: RegistryError.self) { try description.write(folder: folder) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }

  @Test func anUnwritableFolderIsNamed() {
    let error = #expect(throws: RegistryError.self) {
      try ModelDescription().write(folder: "/nonexistent/model")
    }
    #expect(error?.subject == "/nonexistent/model/sluice.json")
    #expect(RegistryError(.system, "x", "disk full").exitStatus == .output)
  }

  @Test func aVersionNeverChangesAndItsCopyIsItsChild() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register(1)
    try fixture.registry.promote(version, by: "test", reason: "test")
    for name in [version.description, "current"] {
      let error = #expect(throws: RegistryError.self) {
        try ModelDescription.readToChange(folder: "\(fixture.path)/\(name)")
      }
      #expect(error?.kind == .refused && error?.exitStatus == .data, "\(name)")
    }
    let copy = directory.path + "/copy"
    try FileManager.default.copyItem(
      atPath: fixture.registry.folder(of: version), toPath: copy)
    var description = try ModelDescription.readToChange(folder: copy)
    #expect(description.parent == version)
    description.calibration = calibration
    try description.write(folder: copy)
    #expect(try ModelManifest.read(folder: copy) == nil)
    #expect(try ModelDescription.read(folder: copy) == description)
  }

  /// Files of the format as it was before descriptions had a type of their own.
  @Test func yesterdaysFilesRead() throws {
    let stored = SourceTree.url("Tests/Fixtures/manifests")
    for name in ["fitted", "version"] {
      let text = try String(contentsOf: stored.appending(path: "\(name).json"), encoding: .utf8)
      try write(text)
      let description = try #require(try ModelDescription.read(folder: folder))
      #expect(
        description.calibration
          == Calibration(
            temperature: 1.7031250000000002, threshold: 0.4140625, falsePositiveRate: 0.05,
            fittedOn: .init(rows: 120, digest: String(repeating: "0a", count: 32))), "\(name)")
      guard let manifest = try ModelManifest.read(folder: folder) else {
        #expect(name == "fitted")
        continue
      }
      #expect(manifest.description == description)
      #expect(manifest.hash == "4a26c938ba06a67e" && manifest.status == .champion)
      #expect(description.parent?.hashPrefix == "3f9c2a1b")
      #expect(description.trainingData.map(\.name) == ["train"])
      #expect(description.others.keys.sorted() == ["note"])
      #expect(
        String(decoding: try manifest.json(), as: UTF8.self) == text, "written as it was read")
    }
  }
}
