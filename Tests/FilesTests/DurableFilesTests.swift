import Files
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct DurableFilesTests {
  private let directory: TemporaryDirectory
  private let files = DurableFiles()
  private var path: String { directory.path + "/file" }

  init() throws { directory = try TemporaryDirectory() }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
  }

  @Test(arguments: [0, 1, 1 << 20, (1 << 20) + 1])
  func contentsAreThoseThatWereWritten(bytes: Int) throws {
    let data = Data((0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    try files.replace(path, with: data)
    try files.create(path + "-1", with: data.dropFirst(0))
    try files.copy(path, to: path + "-2")
    for name in ["file", "file-1", "file-2"] {
      #expect(try Data(contentsOf: URL(filePath: directory.path + "/" + name)) == data)
    }
    #expect(try names() == ["file", "file-1", "file-2"])
  }

  /// A part of larger data begins at an index of its own.
  @Test func partsOfLargerDataAreWritten() throws {
    let data = Data((0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 >> 8) })
    try files.replace(path, with: data[100_000..<2_300_000])
    #expect(try Data(contentsOf: URL(filePath: path)) == data[100_000..<2_300_000])
  }

  @Test func permissionsAreThoseAskedFor() throws {
    try files.replace(path, with: Data([1]), permissions: 0o600)
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    #expect(attributes[.posixPermissions] as? Int == 0o600)
  }

  @Test func whatACrashLeftIsUsedAgain() throws {
    try Data("a longer text that a crash left".utf8).write(
      to: URL(filePath: path + DurableFiles.temporarySuffix))
    try files.replace(path, with: Data("new".utf8))
    #expect(directory.text(of: "file") == "new")
    #expect(try names() == ["file"])
  }

  @Test func writersOfOneFileTakeTurns() async throws {
    let (path, files) = (path, files)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask {
          for _ in 0..<5 {
            try files.replace(path) { file throws(FileError) in
              for _ in 0..<20 {
                try file.write(Data(repeating: UInt8(number), count: 5000))
              }
            }
          }
        }
      }
      try await group.waitForAll()
    }
    let found = try Data(contentsOf: URL(filePath: path))
    #expect(found.count == 100_000 && Set(found).count == 1)
    #expect(try names() == ["file"])
  }

  @Test func theUnfinishedFileIsLockedUntilItHasItsName() throws {
    let temporary = path + DurableFiles.temporarySuffix
    let wasBusy = Mutex<[Bool]>([])
    let watched = DurableFiles { () throws(FileError) in
      guard FileManager.default.fileExists(atPath: temporary) else { return }
      do throws(FileError) {
        _ = try FileLock(temporary)
        wasBusy.withLock { $0.append(false) }
      } catch {
        wasBusy.withLock { $0.append(error.kind == .busy) }
      }
    }
    try watched.replace(path, with: Data([1]))
    // Opened, written, on the disk.
    #expect(wasBusy.withLock { $0 } == [true, true, true])
  }

  @Test func aFileThatIsThereIsNotCreatedAgain() throws {
    try files.create(path, with: Data([1]))
    #expect(throws: FileError.self) { try files.create(path, with: Data([2])) }
    #expect(try Data(contentsOf: URL(filePath: path)) == Data([1]))
  }

  @Test func aFolderThatIsNotThereIsAClearError() {
    let path = directory.path + "/none/file"
    let error = #expect(throws: FileError.self) { try files.replace(path, with: Data([1])) }
    #expect(error?.kind == .missing)
    #expect(error?.description == "\(path): cannot be opened: No such file or directory")
  }

  @Test func aFileInPlaceOfAFolderIsAClearError() throws {
    try files.create(path, with: Data([1]))
    let error = #expect(throws: FileError.self) {
      try files.replace(path + "/file", with: Data([1]))
    }
    #expect(error?.kind == .system)
    #expect(error?.description == "\(path)/file: cannot be opened: Not a directory")
  }

  /// The system's own folder lets nobody write, the superuser included.
  @Test func aFolderThatCannotBeWrittenToIsAClearError() {
    let error = #expect(throws: FileError.self) {
      try files.replace("/proc/self/file", with: Data([1]))
    }
    #expect(error?.path == "/proc/self/file")
    #expect(error?.reason.hasPrefix("cannot be opened: ") == true)
  }

  @Test func whatCannotTakeItsPlaceLeavesNothing() throws {
    try files.makeFolder(path)
    try files.create(path + "/inside", with: Data([1]))
    let error = #expect(throws: FileError.self) { try files.replace(path, with: Data([1])) }
    #expect(error?.reason == "cannot be put in its place: Is a directory")
    #expect(try names() == ["file"])
  }

  @Test func foldersWithSpacesAreSynchronized() throws {
    let folder = directory.path + "/two words"
    try files.makeFolder(folder)
    try files.replace(folder + "/a file", with: Data([1]))
    try files.append(Data("a\n".utf8), to: folder + "/lines")
    try files.removeFolder(folder)
    #expect(try names() == [])
  }

  @Test func aTornLineStaysOnALineOfItsOwn() throws {
    try Data("one\ntor".utf8).write(to: URL(filePath: path))
    try files.append(Data("two\n".utf8), to: path)
    try files.append(Data("three\n".utf8), to: path)
    #expect(directory.text(of: "file") == "one\ntor\ntwo\nthree\n")
  }
}
