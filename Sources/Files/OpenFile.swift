internal import Foundation
internal import Glibc

/// An open file, closed at the end of its life. Interrupted calls are made again.
struct OpenFile: ~Copyable {
  let descriptor: Int32
  /// The path that errors tell.
  let path: String

  /// - Parameter subject: the path that errors tell, where it is not the one that is opened.
  init(
    _ path: String, _ flags: Int32, permissions: UInt32 = 0o666, as subject: String? = nil
  ) throws(FileError) {
    self.path = subject ?? path
    descriptor = unsafe open(path, flags | O_CLOEXEC, permissions)
    guard descriptor >= 0 else { throw .last(self.path, "cannot be opened") }
  }

  deinit {
    guard descriptor >= 0 else { return }
    // Closing alone would leave a lock to a process that was started meanwhile and has yet to close
    // its copy.
    flock(descriptor, LOCK_UN)
    close(descriptor)
  }

  func write(_ bytes: Data) throws(FileError) {
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let count = unsafe bytes[start...].withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw .last(path, "cannot be written")
      }
      start += count
    }
  }

  func read(count: Int) throws(FileError) -> Data {
    var buffer = [UInt8](repeating: 0, count: count)
    while true {
      let got = unsafe Glibc.read(descriptor, &buffer, count)
      if got >= 0 { return Data(buffer[..<got]) }
      if errno != EINTR { throw .last(path, "cannot be read") }
    }
  }

  func truncate(to bytes: Int) throws(FileError) {
    guard ftruncate(descriptor, bytes) == 0 else { throw .last(path, "cannot be cut") }
  }

  /// Brings what was written to the disk; of a folder, its names.
  func synchronize() throws(FileError) {
    // Some file systems know no such thing of folders, and then nothing is to be done.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw .last(path, "cannot be brought to the disk")
    }
  }

  /// Keeps everyone else from the lock until the file is closed.
  ///
  /// - Throws: `FileError` of the kind `busy` when another has it and this one does not wait.
  func lock(waits: Bool) throws(FileError) {
    while flock(descriptor, waits ? LOCK_EX : LOCK_EX | LOCK_NB) != 0 {
      switch errno {
      case EINTR: continue
      case EWOULDBLOCK: throw FileError(.busy, path, "another process has locked it")
      default: throw .last(path, "cannot be locked")
      }
    }
  }

  /// Whether the file is empty or ends in a line end.
  func endsInLine() throws(FileError) -> Bool {
    let end = lseek(descriptor, 0, SEEK_END)
    guard end > 0 else { return true }
    var last: UInt8 = 0
    guard unsafe pread(descriptor, &last, 1, end - 1) == 1 else {
      throw .last(path, "cannot be read")
    }
    return last == 0x0A
  }

  /// Whether this is the file that has the name now.
  func isStill(at name: String) -> Bool {
    var (own, named) = (stat(), stat())
    return unsafe fstat(descriptor, &own) == 0 && lstat(name, &named) == 0
      && own.st_dev == named.st_dev && own.st_ino == named.st_ino
  }
}
