import Files
import Foundation
import TestSupport
import Testing

@Suite struct LineFileTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/file" }

  init() throws { directory = try TemporaryDirectory() }

  @Test(arguments: [
    ("", []), ("a\n", ["a\n"]), ("a\nb", ["a\n"]), ("b", []), ("\n\nc", ["\n", "\n"]),
  ])
  func anUnfinishedLineIsCutOff(text: String, lines: [String]) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
    let file = try LineFile(path)
    #expect(try file.readLines().map { String(decoding: $0, as: UTF8.self) } == lines)
    try file.append(Data("z\n".utf8))
    #expect(directory.text(of: "file") == lines.joined() + "z\n")
  }

  @Test func aSecondWriterIsRefused() throws {
    let first = try LineFile(path)
    let error = #expect(throws: FileError.self) { _ = try LineFile(path) }
    #expect(error?.kind == .busy)
    try first.append(Data("a\n".utf8))
  }

  @Test func aFolderThatIsNotThereIsAnError() {
    let error = #expect(throws: FileError.self) { _ = try LineFile(path + "/no/file") }
    #expect(error?.kind == .missing)
  }

  @Test func aFullDiskIsAClearError() throws {
    let file = try LineFile("/dev/full")
    let error = #expect(throws: FileError.self) { try file.append(Data("a\n".utf8)) }
    #expect(error?.description == "/dev/full: cannot be written: No space left on device")
  }

  @Test func aLockIsHeldUntilItsEnd() throws {
    do {
      let lock = try FileLock(path)
      defer { withExtendedLifetime(lock) {} }
      let error = #expect(throws: FileError.self) { _ = try FileLock(path) }
      #expect(error?.kind == .busy && error?.path == path)
    }
    _ = try FileLock(path)
  }

  /// As a process has it that was started meanwhile, until it has begun its program.
  @Test func aCopyOfTheDescriptorDoesNotKeepTheLock() throws {
    var copy: Int32 = -1
    do {
      let lock = try FileLock(path)
      defer { withExtendedLifetime(lock) {} }
      let descriptors = "/proc/self/fd"
      let own = try FileManager.default.contentsOfDirectory(atPath: descriptors).first {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: descriptors + "/" + $0)) == path
      }
      copy = dup(try #require(own.flatMap { Int32($0) }))
    }
    defer { close(copy) }
    #expect(copy >= 0)
    _ = try FileLock(path)
  }

  @Test func aLockInAFolderThatIsNotThereIsAnError() {
    let error = #expect(throws: FileError.self) { _ = try FileLock(path + "/no/lock") }
    #expect(error?.kind == .missing)
  }
}
