import ArgumentParser
import Basics
import Glibc
import Synchronization

/// What the program says on standard output, in place of `print`, which takes a failed write for a
/// good one.
///
/// The first write that fails ends the output; commands that write much look at `isOver` and stop.
/// The program's end turns it into the exit status: a reader that has left is no failure.
enum StandardOutput {
  /// The system's `errno` of the write that failed.
  private static let failure = Mutex<Int32?>(nil)

  /// Whether nothing more can be written.
  static var isOver: Bool { failure.withLock { $0 != nil } }

  /// Writes all bytes, unless the output is over.
  static func write(_ bytes: some Sequence<UInt8>) {
    failure.withLock { failure in
      guard failure == nil else { return }
      let bytes = Array(bytes)
      var start = 0
      while start < bytes.count {
        let count = unsafe bytes[start...].withUnsafeBytes {
          unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count)
        }
        if count >= 0 {
          start += count
        } else if errno != EINTR {
          failure = errno
          return
        }
      }
    }
  }

  /// Writes a line.
  static func say(_ line: String) { write((line + "\n").utf8) }

  /// Ends the output, at the end of a command: some file systems tell only then what they lost.
  ///
  /// - Throws: the exit that a failed write stands for.
  static func finish() throws {
    failure.withLock { failure in
      if close(STDOUT_FILENO) != 0, errno != EBADF, failure == nil { failure = errno }
    }
    guard let code = failure.withLock({ $0 }), code != EPIPE else { return }
    throw fail(
      "standard output: \(unsafe String(cString: strerror(code)))",
      code: ExitStatus.output.rawValue)
  }
}
