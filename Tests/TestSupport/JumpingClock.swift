internal import Foundation

/// The wall clock of a program that a test starts (Tests/JumpingClock), which the test may set.
package struct JumpingClock {
  private let path: String

  package init(in directory: TemporaryDirectory) throws {
    path = directory.path + "/clock"
    try Data(count: 8).write(to: URL(filePath: path))
  }

  /// What the program has to have in its environment.
  package var environment: [String: String] {
    ["LD_PRELOAD": SourceTree.product("libjumping-clock.so").path, "SLUICE_CLOCK": path]
  }

  /// Sets the clock so far from the true one.
  package func set(ahead: Duration) throws {
    let nanoseconds = Int64(ahead / .nanoseconds(1))
    let bytes = unsafe withUnsafeBytes(of: nanoseconds.littleEndian) { unsafe Data($0) }
    // In place: the program has mapped the file.
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    defer { try? file.close() }
    try file.write(contentsOf: bytes)
  }
}
