import Files
import Foundation
import ModelRegistry
import TestSupport
import Testing

@Suite struct ModelRegistryTests {
  @Test func aVersionIsNamedByTimeAndHash() throws {
    let time = Date(timeIntervalSince1970: 1_795_486_385)
    let version = try #require(ModelVersion(createdAt: time, hash: "3f9c2a1b00112233"))
    #expect(version.description == "2026-11-24T02-13-05Z-3f9c2a1b")
    #expect(version.hashPrefix == "3f9c2a1b")
    let later = try #require(
      ModelVersion(createdAt: time.addingTimeInterval(1), hash: "00000000"))
    #expect(version < later)
  }

  @Test(arguments: [
    "", "current", "2026-11-24T02:13:05Z-3f9c2a1b", "2026-11-24T02-13-05Z-3F9C2A1B",
    "2026-11-24T02-13-05Z-3f9c2a1", "2026-11-24T02-13-05Z-3f9c2a1bb", "../../2026-11-24T02-13-05Z",
  ])
  func otherNamesAreNoVersions(name: String) {
    #expect(ModelVersion(name) == nil)
  }

  @Test func aRegisteredModelIsThereWithItsDigests() throws {
    let fixture = try RegistryFixture()
    var candidate = try fixture.candidate(1)
    candidate.description.recipe = ["epochs": .integer(2)]
    candidate.description.calibration = Calibration(temperature: 1.5)
    candidate.description.others = ["note": .text("of another program")]
    let registered = try fixture.registry.register(candidate, by: "test", reason: "first")
    let manifest = try fixture.registry.manifest(of: registered.version)
    #expect(manifest == registered)
    #expect(manifest.files.keys.sorted() == ["config.json", "model.safetensors"])
    #expect(manifest.files["config.json"]?.bytes == 10)
    #expect(try fixture.registry.problems(of: registered.version) == [])
    #expect(fixture.registry.current == nil)
    #expect(try fixture.registry.version(hashPrefix: "00000001") == registered.version)
  }

  @Test func aVersionIsRegisteredOnce() throws {
    let fixture = try RegistryFixture()
    _ = try fixture.register(1)
    let error = #expect(throws: RegistryError.self) { try fixture.register(1) }
    #expect(error?.kind == .exists)
  }

  @Test func keysOfOthersSurviveEveryRewriting() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register(1)
    let path = "\(fixture.registry.folder(of: version))/sluice.json"
    let data = try Data(contentsOf: URL(filePath: path))
    var text = String(decoding: data, as: UTF8.self)
    text.replace(
      "{\n", with: "{\n\"note\": {\"share\": 1.25, \"bins\": [1, null, true]},\n",
      maxReplacements: 1)
    try Data(text.utf8).write(to: URL(filePath: path))
    try fixture.registry.promote(version, by: "test", reason: "x")
    let manifest = try #require(
      try ModelManifest.read(folder: fixture.registry.folder(of: version)))
    #expect(manifest.status == .champion)
    let note = manifest.description.others["note"]
    #expect(note?["share"] == .number(1.25))
    #expect(note?["bins"] == .list([.integer(1), .null, .flag(true)]))
  }

  @Test func aVersionThatIsToFollowAnotherFollowsNoOther() throws {
    let fixture = try RegistryFixture()
    let registry = fixture.registry
    let versions = try (1...3).map { try fixture.register($0) }
    try registry.promote(versions[0], by: "t", reason: "a")
    try registry.promote(versions[1], over: versions[0], by: "t", reason: "b")
    try registry.promote(versions[1], over: versions[0], by: "t", reason: "it is there already")
    let error = #expect(throws: RegistryError.self) {
      try registry.promote(versions[2], over: versions[0], by: "t", reason: "c")
    }
    #expect(error?.kind == .refused && error?.problem.contains("\(versions[0])") == true)
    #expect(registry.current == versions[1] && registry.previous == versions[0])
  }

  @Test func promotionAndRollbackMoveTheLinksAndAreNoted() throws {
    let fixture = try RegistryFixture()
    let first = try fixture.register(1)
    let second = try fixture.register(2)
    let registry = fixture.registry
    #expect(throws: RegistryError.self) { try registry.rollback(by: "t", reason: "nothing yet") }
    try registry.promote(first, by: "t", reason: "a")
    #expect(throws: RegistryError.self) { try registry.rollback(by: "t", reason: "nothing yet") }
    try registry.promote(second, by: "t", reason: "b")
    try registry.promote(second, by: "t", reason: "again changes nothing")
    #expect(registry.current == second && registry.previous == first)
    #expect(try registry.manifest(of: first).status == .retired)
    #expect(try registry.rollback(by: "t", reason: "worse") == first)
    #expect(registry.current == first && registry.previous == second)
    let changes = try registry.history().filter { $0.action != .register }
    #expect(changes.map(\.action) == [.promote, .promote, .rollback])
    #expect(changes.last?.previous == second)
    #expect(changes.last?.reason == "worse")
    let target = try FileManager.default.destinationOfSymbolicLink(
      atPath: registry.path + "/current")
    #expect(target == first.description, "a relative link survives a move of the registry")
  }

  @Test(arguments: ["changed", "missing", "added"])
  func aDamagedModelIsNotPromoted(damage: String) throws {
    let fixture = try RegistryFixture()
    let good = try fixture.register(1)
    let bad = try fixture.register(2)
    try fixture.registry.promote(good, by: "t", reason: "good")
    let folder = fixture.registry.folder(of: bad)
    switch damage {
    case "changed": try Data("x".utf8).write(to: URL(filePath: folder + "/config.json"))
    case "missing": try FileManager.default.removeItem(atPath: folder + "/config.json")
    default: try Data("x".utf8).write(to: URL(filePath: folder + "/spm.model"))
    }
    let error = #expect(throws: RegistryError.self) {
      try fixture.registry.promote(bad, by: "t", reason: "bad")
    }
    #expect(error?.kind == .damaged)
    #expect(fixture.registry.current == good)
  }

  @Test func aRejectedModelIsNotPromoted() throws {
    let fixture = try RegistryFixture()
    var candidate = try fixture.candidate(1)
    candidate.status = .rejected
    candidate.reasons = ["recall fell"]
    let version = try fixture.registry.register(candidate, by: "t", reason: "gate").version
    let error = #expect(throws: RegistryError.self) {
      try fixture.registry.promote(version, by: "t", reason: "anyway")
    }
    #expect(error?.description.contains("recall fell") == true)
  }

  @Test func pruningKeepsTheNewestAndTheChampions() throws {
    let fixture = try RegistryFixture()
    let versions = try (1...6).map { try fixture.register($0) }
    try fixture.registry.promote(versions[0], by: "t", reason: "a")
    try fixture.registry.promote(versions[1], by: "t", reason: "b")
    let removed = try fixture.registry.prune(keep: 3, by: "t")
    #expect(removed == Array(versions[2...4]))
    #expect(try fixture.registry.versions() == [versions[0], versions[1], versions[5]])
    #expect(try fixture.registry.prune(keep: 0, by: "t") == [versions[5]])
  }

  @Test func oneWriterAtATime() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register(1)
    let path = fixture.path
    let registry = ModelRegistry(path: path) { () throws(FileError) in
      // In the middle of a change, another writer.
      do throws(RegistryError) {
        _ = try ModelRegistry(path: path).prune(keep: 9, by: "other")
      } catch {
        #expect(error.kind == .busy)
        return
      }
      Issue.record("two writers changed the registry at once")
    }
    try registry.promote(version, by: "t", reason: "x")
  }

  @Test func anUnfinishedLineOfTheHistoryStaysAlone() throws {
    let fixture = try RegistryFixture()
    let version = try fixture.register(1)
    let path = fixture.path + "/history.jsonl"
    let torn = try Data(contentsOf: URL(filePath: path)) + Data("{\"action\": \"prom".utf8)
    try torn.write(to: URL(filePath: path))
    try fixture.registry.promote(version, by: "t", reason: "x")
    #expect(try fixture.registry.history().map(\.action) == [.register, .promote])
  }

  /// Otherwise a link that only the history can mend would be taken for one that nothing needs.
  @Test func aHistoryThatCannotBeReadCostsNoLink() throws {
    let fixture = try RegistryFixture()
    let versions = try (1...2).map { try fixture.register($0) }
    for version in versions { try fixture.registry.promote(version, by: "t", reason: "x") }
    let files = FileManager.default
    let previous = fixture.path + "/previous"
    // As after a crash between the two links.
    try files.removeItem(atPath: previous)
    try files.createSymbolicLink(
      atPath: previous, withDestinationPath: versions[1].description)
    let history = fixture.path + "/history.jsonl"
    try files.moveItem(atPath: history, toPath: history + ".away")
    try files.createDirectory(atPath: history, withIntermediateDirectories: false)
    let error = #expect(throws: RegistryError.self) {
      try fixture.registry.rollback(by: "t", reason: "x")
    }
    #expect(error?.description == "\(history): cannot be read: Is a directory")
    #expect(try files.destinationOfSymbolicLink(atPath: previous) == versions[1].description)
    try files.removeItem(atPath: history)
    try files.moveItem(atPath: history + ".away", toPath: history)
    #expect(try fixture.registry.rollback(by: "t", reason: "x") == versions[0])
  }

  @Test(arguments: ["{", "[]", "{\"format\": 2}", "{\"format\": 1}"])
  func aBrokenManifestIsNamed(text: String) throws {
    let directory = try TemporaryDirectory()
    try Data(text.utf8).write(to: URL(filePath: directory.path + "/sluice.json"))
    let error = #expect(throws: RegistryError.self) {
      try ModelManifest.read(folder: directory.path)
    }
    #expect(error?.kind == .damaged)
  }

  @Test func aMissingRegistryIsSaid() {
    let error = #expect(throws: RegistryError.self) {
      try ModelRegistry(path: "/nowhere/models").versions()
    }
    #expect(error?.kind == .missing)
  }
}
