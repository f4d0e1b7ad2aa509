internal import Basics
package import Datasets
internal import Files
internal import Foundation

/// Examples that a new model must not fail on. They never change behind the back of the gate: the
/// first run notes what they are, and a later one with others is refused.
package struct GoldSet: Sendable {
  package let rows: [LabelledExample]
  /// SHA-256 over the files' digests.
  package let digest: String

  /// Reads the files.
  ///
  /// - Throws: `RetrainFailure.dataset` for a file that cannot be read, `.configuration` where the
  ///   gate could compare nothing.
  package init(files: [String]) throws(RetrainFailure) {
    let examples = try ExampleFiles(files)
    guard Set(examples.rows.map(\.isUnsafe)).count == 2 else {
      throw .configuration("retrain.gate.gold: needs rows of both classes")
    }
    rows = examples.rows
    digest = ContentDigest(of: examples.digests.flatMap(\.digest.bytes)).description
  }

  /// Compares it with that of the runs before.
  ///
  /// - Parameter notes: whether a first run leaves its note.
  package func check(folder: String, notes: Bool) throws(RetrainFailure) {
    let note = folder + "/gold.sha256"
    let kept = try withFileErrors(as: RetrainFailure.init, try FileContents.read(note))
    guard let kept else {
      if notes { try RunFolder(path: folder).write(Data((digest + "\n").utf8), to: note) }
      return
    }
    guard String(decoding: kept, as: UTF8.self) == digest + "\n" else {
      throw .configuration(
        "retrain.gate.gold: is not the gold set of the runs before; if that is meant, "
          + "remove \(note)")
    }
  }
}
