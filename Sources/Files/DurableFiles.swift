package import Foundation
internal import Glibc

/// Changes to files that survive a power cut, one system call a step.
///
/// Whatever has to be there after a crash is written through here, so a test can stop after each
/// step as a crash would.
package struct DurableFiles: Sendable {
  /// What is called after each step; an error ends the work there, and nothing is tidied up.
  package typealias Step = @Sendable () throws(FileError) -> Void

  /// What names of unfinished files end in.
  package static let temporarySuffix = ".new"

  private let afterStep: Step

  package init(afterStep: @escaping Step = { () throws(FileError) in }) {
    self.afterStep = afterStep
  }

  // MARK: Files

  /// Puts a file's new contents in place of the old ones: whoever opens it sees all of either, also
  /// after a crash. Writers of one file take turns.
  package func replace(
    _ path: String, permissions: UInt32 = 0o666,
    _ write: (borrowing NewFile) throws(FileError) -> Void
  ) throws(FileError) {
    let temporary = path + Self.temporarySuffix
    let file = NewFile(
      try openAlone(temporary, permissions, as: path), at: temporary, afterStep: afterStep)
    // Its lock is held until it has its name.
    defer { withExtendedLifetime(file) {} }
    try afterStep()
    try write(file)
    try file.finish()
    try giveName(path, to: temporary)
  }

  /// Puts a file's new contents in place of the old ones.
  package func replace(
    _ path: String, with bytes: Data, permissions: UInt32 = 0o666
  ) throws(FileError) {
    try replace(path, permissions: permissions) { file throws(FileError) in try file.write(bytes) }
  }

  /// Writes a file that was not there, and brings it to the disk; its name is there once its folder
  /// is synchronized.
  package func create(
    _ path: String, _ write: (borrowing NewFile) throws(FileError) -> Void
  ) throws(FileError) {
    let file = NewFile(
      try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL), at: path, afterStep: afterStep)
    try afterStep()
    try write(file)
    try file.finish()
  }

  /// Writes a file that was not there.
  package func create(_ path: String, with bytes: Data) throws(FileError) {
    try create(path) { file throws(FileError) in try file.write(bytes) }
  }

  /// Copies a file into one that was not there.
  package func copy(_ source: String, to path: String) throws(FileError) {
    let input = try OpenFile(source, O_RDONLY)
    try create(path) { output throws(FileError) in
      while true {
        let part = try input.read(count: NewFile.partBytes)
        if part.isEmpty { return }
        try output.write(part)
      }
    }
  }

  /// Appends a line to a file and brings it to the disk. A line that a crash left unfinished stays
  /// on a line of its own.
  package func append(_ line: Data, to path: String) throws(FileError) {
    let file = try OpenFile(path, O_RDWR | O_CREAT | O_APPEND)
    try afterStep()
    try file.write((try file.endsInLine() ? Data() : Data([0x0A])) + line)
    try afterStep()
    try file.synchronize()
    try afterStep()
    try sync(folderOf: path)
  }

  // MARK: Names

  /// Renames a file or folder within its file system; a file takes the place of another.
  package func move(_ path: String, to newPath: String) throws(FileError) {
    guard unsafe rename(path, newPath) == 0 else {
      throw .last(newPath, "cannot be put in its place")
    }
    try afterStep()
  }

  /// Puts a symbolic link in place of whatever link was there: whoever follows it arrives at
  /// either.
  package func link(_ path: String, to target: String) throws(FileError) {
    let temporary = path + Self.temporarySuffix
    unsafe unlink(temporary)
    try check(unsafe symlink(target, temporary), path, "cannot be linked")
    try giveName(path, to: temporary)
  }

  /// Makes a folder.
  package func makeFolder(_ path: String) throws(FileError) {
    try check(unsafe mkdir(path, 0o777), path, "cannot be made")
  }

  /// Removes a link or file, if it is there.
  package func removeFile(_ path: String) throws(FileError) {
    unsafe unlink(path)
    try afterStep()
  }

  /// Removes a folder with everything in it.
  package func removeFolder(_ path: String) throws(FileError) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw FileError(.system, path, "cannot be removed")
    }
    try afterStep()
  }

  /// Removes what an unfinished change leaves of a folder, if the system lets it: the change's own
  /// failure is what counts.
  package func discard(folder path: String) {
    // A crash, played by a test, tidies nothing up.
    guard (try? afterStep()) != nil else { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Brings a folder's list of names to the disk.
  package func sync(folder path: String) throws(FileError) {
    try OpenFile(path, O_RDONLY | O_DIRECTORY).synchronize()
    try afterStep()
  }

  /// Brings to the disk that a file or folder has its name.
  package func sync(folderOf path: String) throws(FileError) {
    try sync(folder: URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false))
  }

  /// Opens an empty file that no one else writes: who finds another at it waits for it to end, and
  /// what a crash left is used again.
  private func openAlone(
    _ path: String, _ permissions: UInt32, as subject: String
  ) throws(FileError) -> OpenFile {
    while true {
      let file = try OpenFile(
        path, O_WRONLY | O_CREAT | O_NOFOLLOW, permissions: permissions, as: subject)
      try file.lock(waits: true)
      // Otherwise the one before has given it its own name.
      guard file.isStill(at: path) else { continue }
      try file.truncate(to: 0)
      return file
    }
  }

  private func giveName(_ path: String, to temporary: String) throws(FileError) {
    do throws(FileError) {
      try move(temporary, to: path)
    } catch {
      unsafe unlink(temporary)
      throw error
    }
    try sync(folderOf: path)
  }

  private func check(_ result: Int32, _ path: String, _ action: String) throws(FileError) {
    guard result == 0 else { throw .last(path, action) }
    try afterStep()
  }
}
