package import Foundation
internal import Glibc

/// Reads files whole.
package enum FileContents {
  /// A file's bytes; nil when there is no such file.
  ///
  /// One that cannot be read is not missing: whoever takes it for that forgets what it says.
  ///
  /// - Throws: for a file that cannot be read, or has more than `bytesMax` bytes.
  package static func read(_ path: String, bytesMax: Int = .max) throws(FileError) -> Data? {
    let file: OpenFile
    do throws(FileError) {
      file = try OpenFile(path, O_RDONLY)
    } catch {
      if error.kind == .missing { return nil }
      throw error
    }
    var data = Data()
    while true {
      let part = try file.read(count: NewFile.partBytes)
      if part.isEmpty { return data }
      data += part
      if data.count > bytesMax { throw FileError(.system, path, "has more than \(bytesMax) bytes") }
    }
  }
}
