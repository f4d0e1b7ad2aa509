internal import Glibc

/// What changes when somebody writes into a file, or puts another in its place.
package struct FileState: Hashable, Sendable {
  /// The clock of files goes in steps of at most 10 ms: two changes within one look like one.
  private static let stepNanoseconds = 20_000_000
  private static let attemptsMax = 20

  private let device: UInt
  private let node: UInt
  private let size: Int
  private let seconds: Int
  private let nanoseconds: Int

  /// The state of an open file; nil where the system does not tell.
  package init?(descriptor: Int32) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }

  /// The state of the file at a path; nil where none can be reached.
  package init?(path: String) {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  /// A state from which every later change differs: waits while the last change is too recent to
  /// tell it from the next.
  ///
  /// - Parameter state: asks for the state of the file in question.
  package static func settled(_ state: () -> FileState?) -> FileState? {
    var found = state()
    for _ in 0..<attemptsMax {
      guard let age = found?.age, (0..<stepNanoseconds).contains(age) else { break }
      usleep(UInt32(stepNanoseconds / 1_000))
      found = state()
    }
    return found
  }

  private init(_ status: stat) {
    device = UInt(status.st_dev)
    node = UInt(status.st_ino)
    size = Int(status.st_size)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
  }

  /// Nanoseconds since the last change; below 0 where another host's clock is ahead.
  private var age: Int {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    let (past, isTooLong) = (now.tv_sec - seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return isTooLong ? .max : past + now.tv_nsec - nanoseconds
  }
}
