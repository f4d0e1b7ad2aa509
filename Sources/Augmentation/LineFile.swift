package import Foundation
internal import Glibc

/// A file of lines that only grows, and survives the end of its writer at any moment.
///
/// Each line goes to the system in one call. What a killed writer left unfinished at the end is cut
/// off when the file is opened again.
package struct LineFile: ~Copyable {
  package let path: String
  private let descriptor: Int32

  /// Opens a file, made if there is none, locks it against other writers and reads its lines.
  package init(_ path: String) throws(AugmentationError) {
    self.path = path
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .file(path: path, problem: Self.reason()) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .file(path: path, problem: "another run is writing it")
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The finished lines, each with its line end, after an unfinished one was cut off.
  package func readLines() throws(AugmentationError) -> [Data] {
    let data: Data
    do {
      data = try Data(contentsOf: URL(filePath: path))
    } catch {
      throw .file(path: path, problem: "cannot be read")
    }
    var lines: [Data] = []
    var start = data.startIndex
    while let end = data[start...].firstIndex(of: 0x0A) {
      lines.append(data[start...end])
      start = end + 1
    }
    if start < data.endIndex, ftruncate(descriptor, start - data.startIndex) != 0 {
      throw .file(path: path, problem: Self.reason())
    }
    return lines
  }

  /// Adds whole lines.
  package func append(_ lines: Data) throws(AugmentationError) {
    var rest = Array(lines)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe write(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw .file(path: path, problem: Self.reason())
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Waits until everything is on the disk.
  package func synchronize() throws(AugmentationError) {
    guard fsync(descriptor) == 0 else { throw .file(path: path, problem: Self.reason()) }
  }

  private static func reason() -> String { unsafe String(cString: strerror(errno)) }
}
