package import Foundation
internal import Glibc

/// Files that are whole or not there.
package enum AtomicFile {
  /// Writes a file beside `path`, brings it to the disk and puts it in the place of `path`: whoever
  /// reads, and whatever crashes, the old contents are there or the new ones.
  package static func write(_ data: Data, to path: String) throws(AtomicFileError) {
    let temporary = "\(path).\(getpid()).new"
    let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw AtomicFileError(path: path) }
    do throws(AtomicFileError) {
      defer { close(descriptor) }
      try writeAll(data, to: descriptor, path: path)
      guard fsync(descriptor) == 0 else { throw AtomicFileError(path: path) }
    } catch {
      unsafe unlink(temporary)
      throw error
    }
    guard unsafe rename(temporary, path) == 0 else {
      let error = AtomicFileError(path: path)
      unsafe unlink(temporary)
      throw error
    }
    try synchronizeFolder(of: path)
  }

  private static func writeAll(
    _ data: Data, to descriptor: Int32, path: String
  ) throws(AtomicFileError) {
    var start = data.startIndex
    while start < data.endIndex {
      let count = unsafe data[start...].withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw AtomicFileError(path: path)
      }
      start += count
    }
  }

  /// Brings the folder's entry for the file to the disk.
  private static func synchronizeFolder(of path: String) throws(AtomicFileError) {
    let folder = URL(filePath: path).deletingLastPathComponent().path
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw AtomicFileError(path: path) }
    defer { close(descriptor) }
    // Some file systems have no such thing for folders, and then nothing is to be done.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw AtomicFileError(path: path) }
  }
}

/// The system refused to write a file.
package struct AtomicFileError: Error, Hashable, Sendable, CustomStringConvertible {
  package let path: String
  /// In the system's words.
  package let reason: String

  /// The error that the last system call left.
  init(path: String) {
    self.path = path
    reason = unsafe String(cString: strerror(errno))
  }

  package var description: String { "\(path): cannot be written: \(reason)" }
}
