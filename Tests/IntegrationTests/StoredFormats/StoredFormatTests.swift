import Basics
import Foundation
import LabelStore
import Records
import Settings
import TestSupport
import Testing
import Wire

/// What published versions wrote is read as they meant it: a folder of files for each of them.
@Suite struct StoredFormatTests {
  static let folder = SourceTree.url("Tests/Fixtures/stored")

  static let versions: [String] = {
    if let path = ProcessInfo.processInfo.environment["SLUICE_STORE_FILES"] {
      do { try StoredFiles.write(to: path) } catch { Issue.record(error) }
    }
    return (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
  }()

  private func bytes(_ version: String, _ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: Self.folder.appending(path: "\(version)/\(name)")))
  }

  @Test func thereAreVersions() { #expect(Self.versions.contains("0.1.0")) }

  @Test(arguments: versions, StoredFiles.formats)
  func verdictsAreRead(version: String, format: PayloadFormat) throws {
    var decoder = VerdictDecoder()
    let verdict = try decoder.decode(try bytes(version, "verdict.\(format)"), as: format)
    #expect(verdict == StoredFiles.verdict)
  }

  @Test(arguments: versions, StoredFiles.formats)
  func labelsAreRead(version: String, format: PayloadFormat) throws {
    var decoder = TeacherLabelDecoder()
    let label = try decoder.decode(try bytes(version, "label.\(format)"), as: format)
    #expect(label == StoredFiles.label)
  }

  @Test(arguments: versions) func deadLettersAreRead(version: String) throws {
    let text = String(decoding: try bytes(version, "dead-letter.headers"), as: UTF8.self)
    let headers = text.split(separator: "\n").map { line in
      let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
      return Header(parts[0], parts[1])
    }
    let letter = try #require(DeadLetter(headers: headers))
    #expect(letter == StoredFiles.letter)
  }

  /// A store of an older version is brought up to date by opening it, so this opens a copy.
  @Test(arguments: versions) func storesAreOpened(version: String) throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/labels.sqlite"
    try FileManager.default.copyItem(
      at: Self.folder.appending(path: "\(version)/labels.sqlite"), to: URL(filePath: path))
    let store = try LabelStore(path: path)
    #expect(try store.counts().labels == 1)
    let key = LabelKey(
      digest: try #require(ContentDigest(bytes: StoredFiles.label.contentDigest)),
      teacher: StoredFiles.label.teacher,
      template: try #require(ContentDigest(bytes: StoredFiles.label.templateDigest)))
    #expect(try store.label(key) == StoredFiles.label)
    #expect(try store.kept(as: "estimates") == [1, 2, 3])
    #expect(try store.unpublished(limit: 10).isEmpty)
  }

  @Test(arguments: versions) func settingsLoad(version: String) throws {
    let file = Self.folder.appending(path: "\(version)/sluice.yaml").path
    let settings = try Settings(file: file)
    #expect(settings.kafka.groupID == "sluice")
  }
}
