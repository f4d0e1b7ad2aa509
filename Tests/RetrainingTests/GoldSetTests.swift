import Datasets
import Foundation
import Retraining
import TestSupport
import Testing

/// The examples that never change.
@Suite struct GoldSetTests {
  private let rows = (0..<4).map { row($0, isUnsafe: $0 % 2 == 0) }

  private func problem(_ files: [String], _ folder: TemporaryDirectory) -> String? {
    do throws(RetrainFailure) {
      _ = try GoldSet(files: files, folder: folder.path)
      return nil
    } catch {
      return error == .configuration(error.description) ? error.description : "\(error)"
    }
  }

  @Test func theFirstRunNotesItAndLaterOnesCompare() throws {
    let directory = try TemporaryDirectory()
    let file = try write(rows, to: "gold", in: directory)
    let note = directory.path + "/gold.sha256"
    _ = try GoldSet(files: [file], folder: directory.path, isNoted: false)
    #expect(!FileManager.default.fileExists(atPath: note), "a check leaves nothing")
    let gold = try GoldSet(files: [file], folder: directory.path)
    #expect(gold.rows == rows)
    #expect(directory.text(of: "gold.sha256") == gold.digest + "\n")
    #expect(problem([file], directory) == nil)

    _ = try write(rows + [row(9)], to: "gold", in: directory)
    #expect(problem([file], directory)?.contains("is not the gold set of the runs before") == true)
    try FileManager.default.removeItem(atPath: note)
    #expect(problem([file], directory) == nil, "that was meant")
  }

  @Test func bothClassesAreNeeded() throws {
    let directory = try TemporaryDirectory()
    let file = try write(rows.filter(\.isUnsafe), to: "gold", in: directory)
    #expect(problem([file], directory)?.contains("needs rows of both classes") == true)
    let other = try write(rows.filter { !$0.isUnsafe }, to: "more", in: directory)
    #expect(problem([file, other], directory) == nil)
  }

  @Test func aFileThatCannotBeReadIsNamed() throws {
    let directory = try TemporaryDirectory()
    let missing = directory.path + "/missing.jsonl"
    #expect(problem([missing], directory) == "retrain.gate.gold: \(missing): cannot be read")
    try Data("{}\n".utf8).write(to: URL(filePath: missing))
    #expect(problem([missing], directory)?.contains("\(missing):1: prompt is missing") == true)
  }
}
