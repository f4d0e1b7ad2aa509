package import Foundation
internal import Glibc

/// A file of lines that only grows, has one writer, and survives its end at any moment.
///
/// Each line goes to the system in one call. What a killed writer left unfinished at the end is cut
/// off when the file is opened again.
package struct LineFile: ~Copyable {
  private let file: OpenFile
  private let afterStep: DurableFiles.Step

  package var path: String { file.path }

  /// Opens a file, made if there is none and then closed to other users, and locks it against other
  /// writers.
  ///
  /// - Parameter afterStep: see `DurableFiles`.
  /// - Throws: `FileError` of the kind `busy` when another process is writing it.
  package init(
    _ path: String, afterStep: @escaping DurableFiles.Step = { () throws(FileError) in }
  ) throws(FileError) {
    let file = try OpenFile(path, O_RDWR | O_CREAT | O_APPEND, permissions: 0o600)
    try afterStep()
    try file.lock(waits: false)
    self.file = file
    self.afterStep = afterStep
  }

  /// The finished lines, each with its line end, after an unfinished one was cut off.
  package func readLines() throws(FileError) -> [Data] {
    guard let data = try FileContents.read(path) else {
      throw FileError(.missing, path, "was removed")
    }
    var lines: [Data] = []
    var start = data.startIndex
    while let end = data[start...].firstIndex(of: 0x0A) {
      lines.append(data[start...end])
      start = end + 1
    }
    if start < data.endIndex {
      try file.truncate(to: start - data.startIndex)
      try afterStep()
    }
    return lines
  }

  /// Adds whole lines.
  package func append(_ lines: Data) throws(FileError) {
    try file.write(lines)
    try afterStep()
  }

  /// Waits until everything is on the disk, the file's name included.
  package func synchronize() throws(FileError) {
    try file.synchronize()
    try afterStep()
    try DurableFiles(afterStep: afterStep).sync(folderOf: path)
  }
}
