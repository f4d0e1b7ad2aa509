internal import Glibc

/// The right to do something that one process may do at a time. The system gives it back when the
/// process ends, however it ends.
package struct FileLock: ~Copyable {
  private let file: OpenFile

  /// Takes the right that a file stands for; the file is made if there is none.
  ///
  /// - Throws: `FileError` of the kind `busy` when another process has it.
  package init(_ path: String, permissions: UInt32 = 0o666) throws(FileError) {
    let file = try OpenFile(path, O_RDWR | O_CREAT, permissions: permissions)
    try file.lock(waits: false)
    self.file = file
  }
}
