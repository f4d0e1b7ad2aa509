package import Foundation
internal import Glibc

/// A file while it is written, part by part.
package struct NewFile: ~Copyable {
  private let file: OpenFile
  /// Where it is until it is complete.
  private let location: String
  private let afterStep: DurableFiles.Step

  init(_ file: consuming OpenFile, at location: String, afterStep: @escaping DurableFiles.Step) {
    self.file = file
    self.location = location
    self.afterStep = afterStep
  }

  /// Adds bytes at the end. What the system refuses takes the whole file with it: a full disk is
  /// not to be kept full by half a file.
  package func write(_ bytes: Data) throws(FileError) {
    for start in stride(from: 0, to: bytes.count, by: Self.partBytes) {
      let part = bytes.dropFirst(start).prefix(Self.partBytes)
      try removingOnFailure { () throws(FileError) in try file.write(part) }
      try afterStep()
    }
  }

  /// Brings the contents to the disk.
  func finish() throws(FileError) {
    try removingOnFailure { () throws(FileError) in try file.synchronize() }
    try afterStep()
  }

  private func removingOnFailure(_ body: () throws(FileError) -> Void) throws(FileError) {
    do throws(FileError) {
      try body()
    } catch {
      unsafe unlink(location)
      throw error
    }
  }

  static let partBytes = 1 << 20
}
