import Files
import Foundation
import TestSupport
import Testing

/// Folders that are made, and files that are read whole.
@Suite struct FolderTests {
  @Test func foldersAreMadeWithThoseAbove() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/a/b/c"
    try Folders.make(path, permissions: 0o700)
    try Folders.make(path)
    let attributes = try FileManager.default.attributesOfItem(atPath: directory.path + "/a")
    #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    try Folders.make(path + "/d/")
    #expect(FileManager.default.fileExists(atPath: path + "/d"))
  }

  @Test func whatIsInTheWayIsSaid() throws {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/file"
    try Data([1]).write(to: URL(filePath: file))
    let taken = #expect(throws: FileError.self) { try Folders.make(file) }
    #expect(taken?.description == "\(file): cannot be made: File exists")
    let below = #expect(throws: FileError.self) { try Folders.make(file + "/below") }
    #expect(below?.description == "\(file)/below: cannot be made: Not a directory")
  }

  @Test func aFileIsReadWholeOrItIsSaidWhyNot() throws {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/file"
    let bytes = Data(repeating: 7, count: 3 << 20)
    try bytes.write(to: URL(filePath: file))
    #expect(try FileContents.read(file) == bytes)
    #expect(try FileContents.read(directory.path + "/none") == nil)
    let long = #expect(throws: FileError.self) { try FileContents.read(file, bytesMax: 1_000) }
    #expect(long?.description == "\(file): has more than 1000 bytes")
    let folder = #expect(throws: FileError.self) { try FileContents.read(directory.path) }
    #expect(folder?.description == "\(directory.path): cannot be read: Is a directory")
  }
}
