import Datasets
import Foundation
import Retraining
import TestSupport
import Testing

@Suite struct GoldSetTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test func itsDigestTellsBytesAndOrder() throws {
    let files = [
      try directory.write(rows(4), to: "a"), try directory.write(rows(4, from: 10), to: "b"),
    ]
    let gold = try GoldSet(files: files)
    #expect(gold.rows == rows(4) + rows(4, from: 10))
    #expect(try GoldSet(files: files).digest == gold.digest)
    #expect(try GoldSet(files: files.reversed()).digest != gold.digest)
    _ = try directory.write(rows(5), to: "a")
    #expect(try GoldSet(files: files).digest != gold.digest)
  }

  /// Otherwise any gold set would do while the disk is not well.
  @Test func aNoteThatCannotBeReadIsNoFirstRun() throws {
    let gold = try GoldSet(files: [try directory.write(rows(4), to: "a")])
    let note = directory.path + "/gold.sha256"
    try FileManager.default.createDirectory(atPath: note, withIntermediateDirectories: false)
    for notes in [false, true] {
      let error = #expect(throws: RetrainFailure.self) {
        try gold.check(folder: directory.path, notes: notes)
      }
      #expect(error?.description == "\(note): cannot be read: Is a directory")
    }
  }

  @Test func aMissingFileAndABadLineAreTold() throws {
    let missing = directory.path + "/none.jsonl"
    let error = #expect(throws: RetrainFailure.self) { try GoldSet(files: [missing]) }
    #expect(error?.exitStatus == .noInput && error?.description.contains(missing) == true)
    let file = try directory.write(rows(2), to: "gold")
    try Data("\(directory.text(of: "gold.jsonl")){}\n".utf8).write(to: URL(filePath: file))
    let expected = RetrainFailure.dataset(
      DatasetError(path: file, line: 3, problem: "prompt is missing"))
    #expect(throws: expected) { try GoldSet(files: [file]) }
    #expect(expected.exitStatus == .data)
  }

  @Test(arguments: [0, 1, 2])
  func oneNeedsRowsOfBothClasses(count: Int) throws {
    let file = try directory.write(rows(count), to: "gold")
    if count == 2 {
      #expect(try GoldSet(files: [file]).rows.count == 2)
    } else {
      let error = #expect(throws: RetrainFailure.self) { try GoldSet(files: [file]) }
      #expect(error?.exitStatus == .configuration)
    }
  }

  @Test func eachClassMayHaveAFileOfItsOwn() throws {
    let files = try [true, false].map { isUnsafe in
      try directory.write(rows(3) { $0.isUnsafe == isUnsafe }, to: "\(isUnsafe)")
    }
    #expect(try GoldSet(files: files).rows.count == 6)
    for file in files { #expect(throws: RetrainFailure.self) { try GoldSet(files: [file]) } }
  }

  @Test func theFirstRunNotesItAndALaterOneWithAnotherIsRefused() throws {
    let note = directory.path + "/gold.sha256"
    let gold = try GoldSet(files: [try directory.write(rows(4), to: "gold")])
    try gold.check(folder: directory.path, notes: false)
    #expect(!FileManager.default.fileExists(atPath: note))
    for _ in 0..<2 { try gold.check(folder: directory.path, notes: true) }
    #expect(directory.text(of: "gold.sha256") == gold.digest + "\n")
    let other = try GoldSet(files: [try directory.write(rows(6), to: "gold")])
    for notes in [false, true] {
      let error = #expect(throws: RetrainFailure.self) {
        try other.check(folder: directory.path, notes: notes)
      }
      #expect(error?.exitStatus == .configuration && error?.isResumable == true)
      #expect(error?.description.contains("remove \(note)") == true)
    }
    try FileManager.default.removeItem(atPath: note)
    try other.check(folder: directory.path, notes: true)
  }
}
