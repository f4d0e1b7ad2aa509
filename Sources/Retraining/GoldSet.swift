internal import Basics
package import Datasets
internal import Foundation

/// Examples that a new model must not fail on. They never change behind the back of the gate: the
/// first run notes what they are, and a later one with others is refused.
package struct GoldSet {
  package let rows: [LabelledExample]
  /// SHA-256 over the files' bytes.
  package let digest: String

  /// - Parameter isNoted: whether a first run leaves its note.
  package init(files: [String], folder: String, isNoted: Bool = true) throws(RetrainFailure) {
    var rows: [LabelledExample] = []
    var digests: [UInt8] = []
    do {
      for file in files {
        rows += try DatasetFile.read(file)
        digests += try ContentDigest(file: file).bytes
      }
    } catch {
      throw .configuration("retrain.gate.gold: \(error)")
    }
    guard Set(rows.map(\.isUnsafe)).count == 2 else {
      throw .configuration("retrain.gate.gold: needs rows of both classes")
    }
    self.rows = rows
    digest = ContentDigest(of: digests).description
    try check(folder: folder, isNoted: isNoted)
  }

  private func check(folder: String, isNoted: Bool) throws(RetrainFailure) {
    let note = folder + "/gold.sha256"
    if let kept = FileManager.default.contents(atPath: note) {
      guard String(decoding: kept, as: UTF8.self) == digest + "\n" else {
        throw .configuration(
          "retrain.gate.gold: is not the gold set of the runs before; if that is meant, "
            + "remove \(note)")
      }
      return
    }
    guard isNoted else { return }
    try RunFolder(path: folder).write(Data((digest + "\n").utf8), to: note)
  }
}
