package import Datasets
internal import Files
internal import Foundation
internal import StrictJSON

/// The output: labelled rows that are only ever added.
///
/// A run that starts again makes its rows anew from the journal. Those that stand in the file
/// already are compared instead of written.
package struct RowFile: ~Copyable {
  private struct Row: Decodable {
    let id: String
  }

  private let file: LineFile
  private let existing: [Data]
  private var position = 0

  /// Opens the output.
  package init(_ path: String) throws(AugmentationError) {
    let file = try withFileErrors(as: AugmentationError.init, try LineFile(path))
    existing = try withFileErrors(as: AugmentationError.init, try file.readLines())
    self.file = file
  }

  /// Rows that were there at the start.
  package var rowsFound: Int { existing.count }

  /// The number of the instruction that the last row belongs to; nil without one.
  package var lastInstruction: Int? {
    guard let line = existing.last, let row = try? JSONCoder.decode(Row.self, from: line) else {
      return nil
    }
    return row.id.split(separator: "-").dropLast().last.flatMap { Int($0) }
  }

  /// Adds the rows of one instruction.
  ///
  /// - Throws: `AugmentationError.file` when other rows stand there.
  package mutating func append(_ rows: [LabelledExample]) throws(AugmentationError) {
    var new = Data()
    for row in rows {
      let line = DatasetFile.line(row)
      if position < existing.count {
        guard existing[position] == line else {
          throw .file(
            path: "\(file.path):\(position + 1)", problem: "is not what its journal leads to")
        }
      } else {
        new += line
      }
      position += 1
    }
    guard !new.isEmpty else { return }
    try withFileErrors(as: AugmentationError.init, try file.append(new))
  }

  /// Waits until every row is on the disk.
  package func synchronize() throws(AugmentationError) {
    try withFileErrors(as: AugmentationError.init, try file.synchronize())
  }
}
