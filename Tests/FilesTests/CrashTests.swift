import Files
import Foundation
import TestSupport
import Testing

/// A crash after each single step leaves the contents before or those after, and the next writer
/// succeeds.
@Suite struct FileCrashTests {
  private let old = Data("old\n".utf8)
  /// Of more than one part.
  private let new = Data(repeating: 0x61, count: 2_500_000) + [0x0A]

  /// Runs a change with a crash after its first step, its second and so on, and once without.
  private func crashes(
    _ change: (DurableFiles, String) throws(FileError) -> Void,
    check: (TemporaryDirectory, _ step: Int) throws -> Void
  ) throws -> Int {
    var step = 0
    while true {
      step += 1
      let directory = try TemporaryDirectory()
      try old.write(to: URL(filePath: directory.path + "/file"))
      let point = CrashPoint(after: step)
      do throws(FileError) {
        try change(DurableFiles(afterStep: point.afterStep), directory.path)
      } catch {
        #expect(error.reason == "crashed")
        try check(directory, step)
        continue
      }
      return step - 1
    }
  }

  @Test func aReplacementIsWholeOrNotThere() throws {
    let count = try crashes { (files, folder) throws(FileError) in
      try files.replace(folder + "/file", with: new)
    } check: { directory, step in
      let path = directory.path + "/file"
      let found = try Data(contentsOf: URL(filePath: path))
      #expect(found == old || found == new, "step \(step)")
      try DurableFiles().replace(path, with: Data("next\n".utf8))
      #expect(directory.text(of: "file") == "next\n", "step \(step)")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["file"],
        "step \(step): something is left over")
    }
    // Opening, three parts, the disk, the name, the folder.
    #expect(count == 7)
  }

  @Test func aReplacementInPartsIsWholeOrNotThere() throws {
    let count = try crashes { (files, folder) throws(FileError) in
      try files.replace(folder + "/file") { file throws(FileError) in
        for byte in new.prefix(5) { try file.write(Data([byte])) }
      }
    } check: { directory, step in
      let found = directory.text(of: "file")
      #expect(found == "old\n" || found == "aaaaa", "step \(step)")
    }
    #expect(count == 9)
  }

  @Test func aLinkIsTheOneBeforeOrTheNewOne() throws {
    let count = try crashes { (files, folder) throws(FileError) in
      try files.link(folder + "/link", to: "file")
      try files.link(folder + "/link", to: "other")
    } check: { directory, step in
      let target = try? FileManager.default.destinationOfSymbolicLink(
        atPath: directory.path + "/link")
      #expect([nil, "file", "other"].contains(target), "step \(step)")
      #expect(step < 3 || target != nil, "step \(step)")
      try DurableFiles().link(directory.path + "/link", to: "next")
    }
    #expect(count == 6)
  }

  @Test func anAppendedLineLeavesTheLinesBefore() throws {
    let count = try crashes { (files, folder) throws(FileError) in
      try files.append(Data("line\n".utf8), to: folder + "/file")
    } check: { directory, step in
      let found = directory.text(of: "file")
      #expect(found == "old\n" || found == "old\nline\n", "step \(step)")
    }
    #expect(count == 4)
  }

  @Test func linesOfALineFileStayWhole() throws {
    var steps = 0
    while true {
      steps += 1
      let directory = try TemporaryDirectory()
      let path = directory.path + "/lines"
      try Data("a\nunfinish".utf8).write(to: URL(filePath: path))
      let point = CrashPoint(after: steps)
      do throws(FileError) {
        let file = try LineFile(path, afterStep: point.afterStep)
        _ = try file.readLines()
        try file.append(Data("b\n".utf8))
        try file.append(Data("c\n".utf8))
        try file.synchronize()
        break
      } catch {
        let lines = try LineFile(path).readLines()
        #expect(
          ["a\n", "a\nb\n", "a\nb\nc\n"].contains(
            String(decoding: lines.reduce(Data(), +), as: UTF8.self)), "step \(steps)")
      }
    }
    // Opening, cutting, two lines, the disk, the folder.
    #expect(steps == 7)
  }
}
