internal import Foundation
internal import Glibc

/// Changes to files that survive a power cut, one system call a step.
///
/// Every change that a registry makes goes through here, so a test can stop after each step as a
/// crash would.
struct DurableFiles: Sendable {
  /// Called after each step.
  let afterStep: @Sendable () throws(RegistryError) -> Void

  /// Makes a folder.
  func makeFolder(_ path: String) throws(RegistryError) {
    try unsafe check(mkdir(path, 0o777), path)
  }

  /// Writes a new file and brings it to the disk.
  func create(_ path: String, _ bytes: Data) throws(RegistryError) {
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL)
    try afterStep()
    for start in stride(from: 0, to: bytes.count, by: Self.partBytes) {
      try file.write(bytes[start..<min(start + Self.partBytes, bytes.count)])
      try afterStep()
    }
    try check(fsync(file.descriptor), path)
  }

  /// Copies a file into a new one and brings that to the disk.
  func copy(_ source: String, to path: String) throws(RegistryError) {
    let input = try OpenFile(source, O_RDONLY)
    let output = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL)
    try afterStep()
    while true {
      let part = try input.read(count: Self.partBytes)
      if part.isEmpty { break }
      try output.write(part)
      try afterStep()
    }
    try check(fsync(output.descriptor), path)
  }

  /// Puts a file's new contents in place of the old ones: whoever opens it sees all of either.
  func replace(_ path: String, with bytes: Data) throws(RegistryError) {
    let temporary = path + temporarySuffix
    unsafe unlink(temporary)
    try create(temporary, bytes)
    try rename(temporary, to: path)
    try syncFolder(of: path)
  }

  /// Puts a symbolic link in place of whatever link was there: whoever follows it arrives at either.
  func link(_ path: String, to target: String) throws(RegistryError) {
    let temporary = path + temporarySuffix
    unsafe unlink(temporary)
    try unsafe check(symlink(target, temporary), temporary)
    try rename(temporary, to: path)
    try syncFolder(of: path)
  }

  /// Renames a file or folder within its folder.
  func rename(_ path: String, to newPath: String) throws(RegistryError) {
    try unsafe check(Glibc.rename(path, newPath), newPath)
  }

  /// Appends a line to a file and brings it to the disk. A line that a crash left unfinished stays
  /// on a line of its own.
  func append(_ line: Data, to path: String) throws(RegistryError) {
    let file = try OpenFile(path, O_RDWR | O_CREAT | O_APPEND)
    try afterStep()
    try file.write((try file.endsInLine() ? Data() : Data([0x0A])) + line)
    try afterStep()
    try check(fsync(file.descriptor), path)
    try syncFolder(of: path)
  }

  /// Brings a folder's list of names to the disk.
  func sync(folder path: String) throws(RegistryError) {
    let folder = try OpenFile(path, O_RDONLY | O_DIRECTORY)
    try check(fsync(folder.descriptor), path)
  }

  /// Removes a link or file, if it is there.
  func removeFile(_ path: String) throws(RegistryError) {
    unsafe unlink(path)
    try afterStep()
  }

  /// Removes a folder with everything in it.
  func removeFolder(_ path: String) throws(RegistryError) {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw RegistryError(.system, path, "cannot be removed")
    }
    try afterStep()
  }

  private func syncFolder(of path: String) throws(RegistryError) {
    try sync(folder: URL(filePath: path).deletingLastPathComponent().path())
  }

  private func check(_ result: Int32, _ path: String) throws(RegistryError) {
    guard result == 0 else { throw .lastFailure(of: path) }
    try afterStep()
  }

  private static let partBytes = 1 << 20
}

/// What names of unfinished files end in.
let temporarySuffix = ".new"

/// An open file, closed at the end of its life.
struct OpenFile: ~Copyable {
  let descriptor: Int32
  private let path: String

  init(_ path: String, _ flags: Int32) throws(RegistryError) {
    self.path = path
    descriptor = unsafe open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .lastFailure(of: path) }
  }

  deinit { close(descriptor) }

  func write(_ bytes: Data) throws(RegistryError) {
    var start = bytes.startIndex
    while start < bytes.endIndex {
      let count = unsafe bytes[start...].withUnsafeBytes {
        unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw .lastFailure(of: path)
      }
      start += count
    }
  }

  func read(count: Int) throws(RegistryError) -> Data {
    var buffer = [UInt8](repeating: 0, count: count)
    while true {
      let got = unsafe Glibc.read(descriptor, &buffer, count)
      if got >= 0 { return Data(buffer[..<got]) }
      if errno != EINTR { throw .lastFailure(of: path) }
    }
  }

  /// Whether the file is empty or ends in a line end.
  func endsInLine() throws(RegistryError) -> Bool {
    let end = lseek(descriptor, 0, SEEK_END)
    guard end > 0 else { return true }
    var last: UInt8 = 0
    guard unsafe pread(descriptor, &last, 1, end - 1) == 1 else { throw .lastFailure(of: path) }
    return last == 0x0A
  }
}

extension RegistryError {
  /// What the system said last.
  static func lastFailure(of path: String) -> RegistryError {
    let code = errno
    return RegistryError(
      code == ENOENT ? .missing : .system, path, unsafe String(cString: strerror(code)))
  }
}
